package zoomsim

import (
	"context"
	"testing"
)

const leaveWorld = `
accounts:
  - id: acct
    plan: enterprise
    settings: {meeting_security: {meeting_password: false, waiting_room: true}}
    groups:
      - {id: a, name: first, settings: {meeting_security: {meeting_password: true}}}
      - {id: b, name: second, settings: {meeting_security: {meeting_password: false}}}
    hosts:
      - {id: owner, email: owner@example.com}
      - {id: host, email: host@example.com, pmi: 3456789012, groups: [a, b], meetings: [{id: 81000000001, starts_in: 1h, password: abc123}]}
      - {id: other, email: other@example.com, groups: [b]}
`

// saw compares names and, of user.updated, the primary groups.
func saw(t *testing.T, got []hooked, want ...string) {
	t.Helper()
	var names []string
	for _, ev := range got {
		name := ev.event
		if ev.event == "user.updated" {
			is, _ := ev.object()["primary_group_id"].(string)
			was, _ := ev.payload()["old_object"].(obj)["primary_group_id"].(string)
			name += " " + ev.object()["id"].(string) + ":" + was + ">" + is
		}
		names = append(names, name)
	}
	if len(names) != len(want) {
		t.Fatalf("%v, want %v", names, want)
	}
	for i := range want {
		if names[i] != want[i] {
			t.Fatalf("%v, want %v", names, want)
		}
	}
}

// TestPrimaryGroupChanges: every way to another primary group, in both groups
// experiences.
func TestPrimaryGroupChanges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   func(context.Context, *sim) error
		old  []string
		anew []string
	}{
		{"a group is put first", func(ctx context.Context, s *sim) error {
			if s.world.accounts[0].GroupsNew {
				return nil // refused, see below
			}
			return s.SetPrimaryGroup(ctx, "host", "second")
		}, []string{"user.updated host:a>b"}, nil},
		{"it is the first already", func(ctx context.Context, s *sim) error {
			if s.world.accounts[0].GroupsNew {
				return nil
			}
			return s.SetPrimaryGroup(ctx, "host", "first")
		}, nil, nil},
		{"leaves the first", func(ctx context.Context, s *sim) error { return s.RemoveGroupMember(ctx, "a", "host") },
			[]string{"group.member_deleted", "user.updated host:a>b"}, []string{"group.member_deleted"}},
		{"leaves the second", func(ctx context.Context, s *sim) error { return s.RemoveGroupMember(ctx, "b", "host") },
			[]string{"group.member_deleted"}, []string{"group.member_deleted"}},
		{"leaves the only one", func(ctx context.Context, s *sim) error { return s.RemoveGroupMember(ctx, "b", "other") },
			[]string{"group.member_deleted", "user.updated other:b>"}, []string{"group.member_deleted"}},
		{"joins the first one", func(ctx context.Context, s *sim) error { return s.AddGroupMember(ctx, "b", "owner") },
			[]string{"group.member_added", "user.updated owner:>b"}, []string{"group.member_added"}},
		{"joins another", func(ctx context.Context, s *sim) error { return s.AddGroupMember(ctx, "a", "other") },
			[]string{"group.member_added"}, []string{"group.member_added"}},
		{"the group is deleted", func(ctx context.Context, s *sim) error { return s.DeleteGroup(ctx, "a") },
			[]string{"group.deleted", "user.updated host:a>b"}, []string{"group.deleted"}},
		{"a group of two is deleted", func(ctx context.Context, s *sim) error { return s.DeleteGroup(ctx, "second") },
			[]string{"group.deleted", "user.updated other:b>"}, []string{"group.deleted"}},
	} {
		for experience, want := range map[string][]string{"old": c.old, "new": c.anew} {
			t.Run(c.name+", "+experience, func(t *testing.T) {
				t.Parallel()
				h := newHook(t, nil)
				s := start(t, leaveWorld+"    groups_experience: "+experience, to(h))
				if err := c.do(As(t.Context(), "admin@example.com"), s); err != nil {
					t.Fatal(err)
				}
				got := h.drain(s)
				saw(t, got, want...)
				for _, ev := range got {
					if ev.payload()["operator"] != "admin@example.com" {
						t.Errorf("%v", ev.body)
					}
				}
			})
		}
	}
}

// TestPrimaryGroupDecides: the host's values change with it.
func TestPrimaryGroupDecides(t *testing.T) {
	t.Parallel()
	s := start(t, leaveWorld)
	code := func() Setting { h, _ := s.Host("host"); return h.Meetings.Passcode }
	for _, step := range []struct {
		method, path, body string
		want               Setting
	}{
		{"GET", "", "", On},
		{"PUT", "/users/host/primary_group", `{"group":"b"}`, Off},
		{"PUT", "/users/host/primary_group", `{"group":"first"}`, On},
		{"DELETE", "/groups/first", "", Off},
	} {
		if step.path != "" {
			s.want(204, step.method, "/_sim"+step.path, step.body)
		}
		if code() != step.want {
			t.Errorf("%s %s %s: the passcode setting is %v", step.method, step.path, step.body, code())
		}
	}
	s.want(404, "GET", "/groups/a", nil)
	for _, bad := range []string{`{"group":"a"}`, `{"group":"nobody"}`, `{}`} {
		s.want(404, "PUT", "/_sim/users/host/primary_group", bad)
	}
	s.want(400, "PUT", "/_sim/users/owner/primary_group", `{"group":"b"}`)
	s.want(404, "PUT", "/_sim/users/nobody/primary_group", `{"group":"b"}`)
	s.want(404, "DELETE", "/_sim/groups/first", nil)
	anew := start(t, leaveWorld+"    groups_experience: new")
	if err := anew.SetPrimaryGroup(t.Context(), "host", "b"); err == nil {
		t.Error("the new groups experience has a primary group")
	}
}

// TestUserLeaves the account, or is deleted: what the app then finds.
func TestUserLeaves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, method, path, event string
		status, code              int
		outcome                   string
	}{
		{"disassociated", "POST", "/_sim/users/host/disassociate", "user.disassociated", 400, 1010, OutcomeDemandsPasscode},
		{"deleted", "DELETE", "/_sim/users/host@example.com", "user.deleted", 404, 1001, OutcomeNotFound},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t, nil)
			s := start(t, leaveWorld, to(h))
			s.want(204, c.method, c.path+"?operator=owner@example.com", nil)
			ev := h.next()
			if o := ev.object(); ev.event != c.event || ev.payload()["account_id"] != "acct" || ev.payload()["operator_id"] != "owner" ||
				o["id"] != "host" || o["email"] != "host@example.com" || o["type"] != 2.0 || len(o) != 5 {
				t.Errorf("%v", ev.body)
			}
			for _, path := range []string{"/users/host", "/users/host@example.com", "/users/host/settings", "/users/host/meetings"} {
				if a := s.want(c.status, "GET", path, nil); a.code() != c.code {
					t.Errorf("%s: %v", path, a.body)
				}
			}
			if a := s.want(404, "GET", path(81000000001), nil); a.code() != 3001 {
				t.Errorf("%v", a.body)
			}
			if got := s.get("/users").body["users"].([]any); len(got) != 2 {
				t.Errorf("%v", got)
			}
			if got := s.get("/groups/a").body["total_members"]; got != 0.0 {
				t.Errorf("%v members", got)
			}
			if j := s.Join(81000000001, ""); j.Outcome != c.outcome {
				t.Errorf("%+v", j)
			}
			if j := s.Join(3456789012, ""); j.Outcome != OutcomeNotFound {
				t.Errorf("by PMI: %+v", j)
			}
			s.want(404, c.method, c.path, nil)
			if c.outcome == OutcomeDemandsPasscode { // elsewhere it goes on, and this app hears nothing of it
				if err := s.StartMeeting(t.Context(), 81000000001); err != nil {
					t.Error(err)
				}
			}
			if c.outcome == OutcomeNotFound && s.RecoverMeeting(t.Context(), 81000000001) == nil {
				t.Error("the meeting of a deleted user came back")
			}
			if got := h.drain(s); len(got) != 0 {
				t.Errorf("%v", got[0].body)
			}
		})
	}
}

func TestAccountLeaves(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, leaveWorld+"  - {id: sub, hosts: [{id: sam, email: sam@sub.example}]}\n", to(h))
	s.want(204, "POST", "/_sim/accounts/me/disassociate?operator=admin@example.com", `{"account":"sub"}`)
	ev := h.next()
	if o := ev.object(); ev.event != "account.disassociated" || ev.payload()["account_id"] != "acct" || ev.payload()["operator"] != "admin@example.com" ||
		o["id"] != "sub" || o["owner_id"] != "sam" || o["owner_email"] != "sam@sub.example" {
		t.Errorf("%v", ev.body)
	}
	if err := s.DisassociateAccount(t.Context(), "acct", "elsewhere"); err != nil || h.next().object()["id"] != "elsewhere" {
		t.Error(err)
	}
	s.want(200, "GET", "/users/owner", nil)
	s.want(404, "POST", "/_sim/accounts/nobody/disassociate", `{"account":"sub"}`)
	s.want(400, "POST", "/_sim/accounts/me/disassociate", `{}`)
}

package zoomsim

import (
	"maps"
	"reflect"
	"strconv"
	"time"
)

// obj is a JSON object. Bodies are built as plain maps so that the malice
// knobs can bend any of them.
type obj = map[string]any

// event is a webhook that is to be sent (Z-HOOK-1).
type event struct {
	name string
	acct *account
	body obj
}

// operator is who Zoom names as having made a change: the account's owner.
func (a *account) operator() (email, id string) {
	if len(a.users) == 0 {
		return "owner@example.com", derivedID("user", a.ID)
	}
	return a.users[0].Email, a.users[0].ID
}

func newEvent(a *account, name string, now time.Time, payload obj) event {
	payload["account_id"] = a.ID
	return event{name, a, obj{"event": name, "event_ts": now.UnixMilli(), "payload": payload}}
}

// operated adds operator and operator_id, the host for meeting events.
func operated(payload obj, email, id string) obj {
	payload["operator"], payload["operator_id"] = email, id
	return payload
}

// createdEvent carries the passcode where there is one, and neither waiting
// room nor authentication: those need a GET (Z-EVENT-2).
func (w *world) createdEvent(m *meeting, now time.Time) event {
	settings := obj{"use_pmi": m.pmi(), "alternative_hosts": ""}
	if m.JoinBefore {
		settings["join_before_host"], settings["jbh_time"] = true, m.JBHTime
	}
	o := m.core()
	o["join_url"], o["settings"], o["creation_source"] = w.joinURL(m), settings, m.Source
	if p := w.passcodeOf(m); p != "" {
		o["password"] = p
	}
	m.showPMI(o)
	if m.Recurrence != nil {
		o["recurrence"], o["occurrences"] = m.Recurrence, m.occurrences()
	}
	return newEvent(m.host.acct, "meeting.created", now,
		operated(obj{"operation": "all", "object": o}, m.host.Email, m.host.ID))
}

// core are the members that created, deleted and recovered share.
func (m *meeting) core() obj {
	o := obj{
		"uuid": m.UUID, "id": m.ID, "host_id": m.host.ID, "topic": m.Topic, "type": m.kind(),
		"duration": m.Duration, "timezone": m.Timezone,
	}
	if !m.Start.IsZero() {
		o["start_time"] = m.Start.Format(time.RFC3339)
	}
	return o
}

func (m *meeting) occurrences() []obj {
	out := make([]obj, 0, len(m.Occurrences))
	for _, oc := range m.Occurrences {
		status := "available"
		if oc.Deleted {
			status = "deleted"
		}
		out = append(out, obj{
			"occurrence_id": oc.ID, "start_time": oc.Start.Format(time.RFC3339),
			"duration": oc.Duration, "status": status,
		})
	}
	return out
}

// face is what meeting.updated compares: the members it can carry.
func (w *world) face(m *meeting) (top, settings obj) {
	top = obj{
		"host_id": m.host.ID, "topic": m.Topic, "agenda": m.Agenda, "type": m.Type, "duration": m.Duration, "timezone": m.Timezone,
		"start_time": m.Start.Format(time.RFC3339), "password": w.passcodeOf(m), "occurrences": m.occurrences(),
	}
	settings = obj{
		"waiting_room": m.WaitingRoom, "meeting_authentication": m.Authentication,
		"use_pmi": m.pmi(), "join_before_host": m.JoinBefore,
	}
	return top, settings
}

// updatedEvent is the thin diff that Zoom sends: the id and what changed, old
// and new passcode in clear, no host_id, uuid or topic that stayed (Z-EVENT-6, Z-EVENT-7). A request
// that changed nothing sends nothing (docs/simulator.md, open cases). Of one
// date the time stands in occurrences, which says what date it is.
func (w *world) updatedEvent(was, m *meeting, occurrenceID string, now time.Time) (event, bool) {
	scope := "all"
	if occurrenceID != "" {
		i, err := m.occurrenceAt(occurrenceID)
		if err != nil {
			return event{}, false // cannot be: it was there to be changed
		}
		scope, was, m = "single", was.dated(i), m.dated(i)
	}
	top, settings := w.face(m)
	oldTop, oldSettings := w.face(was)
	object, old := diff(top, oldTop)
	s, oldS := diff(settings, oldSettings)
	// Zoom's event has no member for whom the waiting room holds: a change of
	// that alone sends the id alone (docs/simulator.md, open cases).
	if len(object) == 0 && len(s) == 0 && was.RoomOptions == m.RoomOptions {
		return event{}, false
	}
	if scope == "single" {
		for _, o := range []obj{object, old} {
			delete(o, "start_time")
			delete(o, "duration")
		}
		object["occurrences"], old["occurrences"] = m.occurrences(), was.occurrences()
	}
	object["id"], old["id"] = m.ID, m.ID
	if len(s) > 0 {
		object["settings"], old["settings"] = s, oldS
	}
	return newEvent(m.host.acct, "meeting.updated", now, operated(obj{
		"scope": scope, "object": object, "old_object": old, "time_stamp": now.UnixMilli(),
	}, was.host.Email, was.host.ID)), true
}

func diff(is, was obj) (object, old obj) {
	object, old = obj{}, obj{}
	for k, v := range is {
		if !reflect.DeepEqual(v, was[k]) {
			object[k], old[k] = v, was[k]
		}
	}
	return object, old
}

// lifecycleEvent makes meeting.deleted, meeting.permanently_deleted and
// meeting.recovered.
func (m *meeting) lifecycleEvent(name string, now time.Time) event {
	return newEvent(m.host.acct, name, now,
		operated(obj{"operation": "all", "object": m.core()}, m.host.Email, m.host.ID))
}

// dateDeletedEvent makes meeting.deleted of one date of a series.
func (m *meeting) dateDeletedEvent(o occurrence, now time.Time) event {
	ev := m.lifecycleEvent("meeting.deleted", now)
	payload := ev.body["payload"].(obj)
	payload["operation"] = "single"
	payload["object"].(obj)["occurrences"] = []obj{{"occurrence_id": o.ID, "start_time": o.Start.Format(time.RFC3339)}}
	return ev
}

// runEvent makes meeting.started and meeting.ended, whose ids are strings, as
// seen in real deliveries (Z-EVENT-18). Of a meeting on a PMI they say that the
// room runs, and not which meeting it is that runs in it.
func (m *meeting) runEvent(name string, now time.Time) event {
	m = m.session()
	o := m.core()
	m.showPMI(o)
	o["id"] = strconv.FormatInt(m.ID, 10)
	if _, ok := o["start_time"]; !ok {
		o["start_time"] = now.UTC().Format(time.RFC3339)
	}
	if name == "meeting.ended" {
		o["end_time"] = now.UTC().Format(time.RFC3339)
	}
	return newEvent(m.host.acct, name, now, obj{"object": o})
}

func settingsEvent(a *account, name, id string, object, old SettingsPatch, now time.Time) event {
	email, operator := a.operator()
	return newEvent(a, name, now, operated(obj{
		"object":     obj{"id": id, "settings": obj(maps.Clone(object))},
		"old_object": obj{"id": id, "settings": obj(maps.Clone(old))},
		"time_stamp": now.UnixMilli(),
	}, email, operator))
}

func memberEvent(name string, g *group, u *user, now time.Time) event {
	email, operator := g.acct.operator()
	return newEvent(g.acct, name, now, operated(obj{
		"object":     obj{"id": g.ID, "members": []obj{{"id": u.ID, "email": u.Email}}},
		"time_stamp": now.UnixMilli(),
	}, email, operator))
}

// userEvent makes user.deactivated and user.activated.
func userEvent(name string, u *user, now time.Time) event {
	email, operator := u.acct.operator()
	return newEvent(u.acct, name, now, operated(obj{"object": obj{
		"id": u.ID, "first_name": u.First, "last_name": u.Last, "email": u.Email, "type": u.Type,
	}}, email, operator))
}

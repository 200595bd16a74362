// Package probe finds out what Zoom does where its documents disagree or say
// nothing: it makes a few meetings far ahead on a real account, looks what becomes
// of them, and deletes them. It decides nothing; its answers are data.
package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/zoom"
)

// API are the calls that a probe makes.
type API interface {
	CreateMeeting(ctx context.Context, userID string, body map[string]any) (zoom.Meeting, zoom.Budget, error)
	GetMeeting(ctx context.Context, id zoom.MeetingID) (zoom.Meeting, error)
	GetOccurrence(ctx context.Context, id zoom.MeetingID, occurrenceID string) (zoom.Meeting, error)
	PatchMeetingBody(ctx context.Context, id zoom.MeetingID, occurrenceID string, body map[string]any) error
	DeleteMeeting(ctx context.Context, id zoom.MeetingID) error
}

// Host is the one on whose behalf the meetings are made.
type Host struct {
	ID string
	// Passcode is the host's passcode setting with its lock: what a create without a
	// passcode comes to can be seen only where it is on and not locked.
	Passcode passcode.Setting
}

// Spends is how many of the host's 100 creates and updates of the UTC day a run
// spends at most, and Meetings how many meetings it makes.
const (
	Spends   = 13
	Meetings = 7
)

// Ahead is how far ahead the meetings are: beyond what Zoom lists as upcoming
// (Z-CALL-4).
const Ahead = 300 * 24 * time.Hour

// Answer is what was found out about one question.
type Answer struct {
	Question string // an id that does not change
	Asks     string // the question in words
	Answer   string
	Detail   string // why there is none, or what was seen besides
}

// The answers that several questions have.
const (
	Yes     = "yes"
	No      = "no"
	Unclear = "unclear"
	NotHere = "cannot be told with this host"
)

// Result is what a run found out.
type Result struct {
	Answers []Answer
	// Documents is which of Zoom's documents was seen to hold; open where that could
	// not be told.
	Documents passcode.Documents
	// Left are meetings that could not be deleted.
	Left []zoom.MeetingID
}

type run struct {
	api  API
	host Host
	now  time.Time
	made []zoom.MeetingID
	Result
}

// Run asks all questions. It deletes what it made whatever happens, within a time
// of its own. An error ends it; what was found out before is in the result.
func Run(ctx context.Context, api API, h Host, now time.Time) (Result, error) {
	r := &run{api: api, host: h, now: now}
	err := r.ask(ctx)
	clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	for _, id := range r.made {
		if derr := api.DeleteMeeting(clean, id); derr != nil && zoom.KindOf(derr) != zoom.KindNotFound {
			r.Left = append(r.Left, id)
			err = errors.Join(err, fmt.Errorf("delete meeting %v: %w", id, derr))
		}
	}
	return r.Result, err
}

func (r *run) ask(ctx context.Context) error {
	for _, question := range []func(context.Context) error{r.creates, r.patches, r.occurrence, r.pmi} {
		if err := question(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) say(question, asks, answer, detail string) {
	r.Answers = append(r.Answers, Answer{question, asks, answer, detail})
}

// create makes a meeting; body says what is special about it.
func (r *run) create(ctx context.Context, body map[string]any) (zoom.Meeting, zoom.Budget, error) {
	all := map[string]any{"topic": zoom.ProbeTopic + ", will be deleted", "type": 2, "duration": 30, "start_time": r.now.Add(Ahead).UTC().Format(time.RFC3339),
		"timezone": "UTC", "settings": map[string]any{"waiting_room": true}}
	for k, v := range body {
		all[k] = v
	}
	m, b, err := r.api.CreateMeeting(ctx, r.host.ID, all)
	switch kind := zoom.KindOf(err); {
	case err == nil:
		r.made = append(r.made, m.ID)
	case kind == zoom.KindTransport || kind == zoom.KindServer || kind == zoom.KindBadAnswer:
		err = fmt.Errorf("%w; Zoom may have made the meeting all the same: look for %q on %s and delete it", err, all["topic"], r.now.Add(Ahead).UTC().Format(time.DateOnly))
	}
	return m, b, err
}

func has(m zoom.Meeting) bool { return m.Password != "" || m.EncryptedPassword != "" }

func word(b bool) string {
	if b {
		return Yes
	}
	return No
}

// EmptyPasscode is the question whether a create with an empty passcode gets one
// all the same (Z-RULE-21); the answer is used wherever a create is predicted.
const EmptyPasscode = "create_empty_passcode"

// creates: what a create comes to that gives no passcode, which Zoom's documents
// disagree about (Z-RULE-8, Z-RULE-9, Z-RULE-21).
func (r *run) creates(ctx context.Context) error {
	const (
		omitted, omittedAsks = "create_without_passcode", "Does a create with the waiting room on and no passcode get one, where the host's setting is on and not locked?"
		off, offAsks         = "create_default_password_false", "And with default_password: false?"
		empty, emptyAsks     = EmptyPasscode, `And with "password": ""?`
		limit, limitAsks     = "host_limit_shown", "Do Zoom's answers show what remains of the host's 100 creates and updates of the day?"
	)
	open := r.host.Passcode.Value == passcode.On && r.host.Passcode.Lock == passcode.Off && !r.host.Passcode.Contradiction
	first, budget, err := r.create(ctx, nil)
	if err != nil {
		return err
	}
	shown := ""
	if budget.Shown {
		shown = fmt.Sprintf("%d remain", budget.Remaining)
	}
	defer r.say(limit, limitAsks, word(budget.Shown), shown)
	if !open {
		const why = "its passcode setting is not on without a lock: choose a host with whom it is"
		r.say(omitted, omittedAsks, NotHere, why)
		r.say(off, offAsks, NotHere, why)
		r.say(empty, emptyAsks, NotHere, why)
		return nil
	}
	again, _, err := r.create(ctx, nil) // one answer proves little
	switch {
	case err != nil:
		return err
	case has(first) != has(again):
		r.say(omitted, omittedAsks, Unclear, "one of two such meetings has a passcode")
	default:
		r.Documents = passcode.Documents2020
		if has(first) {
			r.Documents = passcode.Documents2025
		}
		r.say(omitted, omittedAsks, word(has(first)), "as Zoom's document of "+string(r.Documents)+" says")
	}
	m, _, err := r.create(ctx, map[string]any{"default_password": false})
	if err != nil {
		return err
	}
	r.say(off, offAsks, word(has(m)), "")
	m, _, err = r.create(ctx, map[string]any{"password": ""})
	switch {
	case zoom.KindOf(err) == zoom.KindInvalid:
		r.say(empty, emptyAsks, Unclear, "Zoom refuses such a create")
	case err != nil:
		return err
	default:
		r.say(empty, emptyAsks, word(has(m)), "")
	}
	return nil
}

// given is the passcode of the probe's own meetings, where they are to have one.
const given = "Prb-73kq"

// patches: which ways of asking for no passcode Zoom takes (Z-CODE-11, Z-CODE-12).
func (r *run) patches(ctx context.Context) error {
	const asks = "Does an update %s remove the passcode?"
	m, _, err := r.create(ctx, map[string]any{"password": given})
	if err != nil {
		return err
	}
	for _, q := range []struct {
		id, how string
		body    map[string]any
	}{
		{"patch_omitted", "that leaves `password` out", map[string]any{"topic": zoom.ProbeTopic + ", to be deleted"}},
		{"patch_null", `with "password": null`, map[string]any{"password": nil, "settings": map[string]any{"waiting_room": true}}},
		{"patch_empty", `with "password": ""`, map[string]any{"password": "", "settings": map[string]any{"waiting_room": true}}},
	} {
		before, err := r.api.GetMeeting(ctx, m.ID)
		if err != nil {
			return err
		}
		if !has(before) {
			if err := r.api.PatchMeetingBody(ctx, m.ID, "", map[string]any{"password": given}); err != nil {
				return err
			}
		}
		if err := r.api.PatchMeetingBody(ctx, m.ID, "", q.body); zoom.KindOf(err) == zoom.KindInvalid {
			r.say(q.id, fmt.Sprintf(asks, q.how), No, "Zoom refuses such an update")
			continue
		} else if err != nil {
			return err
		}
		after, err := r.api.GetMeeting(ctx, m.ID)
		if err != nil {
			return err
		}
		if has(after) && q.id != "patch_omitted" && r.host.Passcode.Value == passcode.On && r.host.Passcode.Lock != passcode.Off {
			r.say(q.id, fmt.Sprintf(asks, q.how), NotHere, "passcodes are locked on for it, or may be")
			continue
		}
		r.say(q.id, fmt.Sprintf(asks, q.how), word(!has(after)), "")
	}
	return nil
}

// occurrence: whether one date of a series has a waiting room of its own, and Zoom
// shows it (Z-MEET-7).
func (r *run) occurrence(ctx context.Context) error {
	const id, asks = "occurrence_waiting_room", "Can one date of a series have its waiting room off, and does Zoom show it?"
	// With a passcode: else Zoom may turn a waiting room on for want of another option.
	m, _, err := r.create(ctx, map[string]any{"password": given, "type": 8, "recurrence": map[string]any{"type": 1, "repeat_interval": 1, "end_times": 2}})
	if err != nil {
		return err
	}
	series, err := r.api.GetMeeting(ctx, m.ID)
	if err != nil {
		return err
	}
	if len(series.Occurrences) < 2 || series.Occurrences[1].ID == "" {
		r.say(id, asks, Unclear, "Zoom shows no dates of the series")
		return nil
	}
	date := string(series.Occurrences[1].ID)
	err = r.api.PatchMeetingBody(ctx, m.ID, date, map[string]any{"settings": map[string]any{"waiting_room": false}})
	switch kind := zoom.KindOf(err); {
	case kind == zoom.KindInvalid || kind == zoom.KindRefused:
		r.say(id, asks, No, "Zoom refuses such an update")
		return nil
	case err != nil:
		return err
	}
	one, err := r.api.GetOccurrence(ctx, m.ID, date)
	if err != nil {
		return err
	}
	whole, err := r.api.GetMeeting(ctx, m.ID)
	if err != nil {
		return err
	}
	isOff := func(m zoom.Meeting) bool { return m.Settings.WaitingRoom != nil && !*m.Settings.WaitingRoom }
	switch {
	case isOff(whole):
		r.say(id, asks, No, "the update of one date turned the waiting room of the whole series off")
	case isOff(one):
		r.say(id, asks, Yes, "")
	default:
		r.say(id, asks, No, "the date shows its waiting room on, or nothing")
	}
	return nil
}

// pmi: what a meeting under the personal meeting id has. It is not changed: the
// passcode is the host's own, of all such meetings (Z-MEET-10).
func (r *run) pmi(ctx context.Context) error {
	const id, asks = "pmi_meeting_passcode", "Does a meeting made under the host's personal meeting id without a passcode have one?"
	m, _, err := r.create(ctx, map[string]any{"settings": map[string]any{"waiting_room": true, "use_pmi": true}, "default_password": false})
	switch kind := zoom.KindOf(err); {
	case kind == zoom.KindInvalid || kind == zoom.KindRefused:
		r.say(id, asks, Unclear, "Zoom refuses such a create")
		return nil
	case err != nil:
		return err
	}
	detail := "what an update of its passcode does was not tried: it may be the passcode of the host's personal room"
	r.say(id, asks, word(has(m)), detail)
	return nil
}

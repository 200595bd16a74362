package intake

import (
	"errors"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// The readers of the kinds of event: each fills in what the event touches. They
// are pure; an error is about the event, which no retry makes readable.

// readMeeting: an event about one meeting.
func readMeeting(c *change) error {
	obj, err := c.env.DecodeMeeting()
	c.meeting, c.row.MeetingID = &obj, int64(obj.ID)
	return err
}

// readSettings: settings or locks of a host, a group or the account. The event's
// values are recorded for people, not decided on: it is a diff, and what is
// effective for a host is Zoom's to say.
func readSettings(level passcode.Level, what string) func(*change) error {
	return func(c *change) error {
		now, old, err := c.env.DecodeSettings()
		id := zoom.Clean(now.ID)
		if level == passcode.LevelAccount && c.row.AccountID != "" && (err != nil || id == "") {
			id, now.Odd, err = c.row.AccountID, true, nil // whose settings changed is known
		}
		if err == nil && id == "" {
			err = errors.New("field payload.object.id is missing or not usable")
		}
		if err != nil {
			return err
		}
		c.changes = changes(c, level, id, what, now.Settings, old.Settings)
		if level == passcode.LevelHost {
			c.row.HostID = id
		}
		switch {
		case !now.Says():
		case level == passcode.LevelHost:
			c.hosts, c.move = []string{id}, moved(c.changes, now.Odd, c.env.SecurityAlone())
			if now.PMIPasscode != nil {
				c.pmi = &store.PasscodeSeen{Value: *now.PMIPasscode, Operator: c.row.Operator}
			}
		default:
			c.level, c.levelID, c.move = level, id, moved(c.changes, now.Odd, c.env.SecurityAlone())
		}
		return nil
	}
}

// moved says what changes of settings may have done to meetings that exist: turned off,
// unlocked, or about new meetings or what is typed where, nothing.
func moved(changes []store.SettingChange, odd, alone bool) store.Move {
	m := store.Move{Meetings: store.MovedNot, SecurityAlone: alone && !odd}
	if odd || len(changes) == 0 {
		m.Meetings, m.TakesBack = store.MovedPerhaps, true
	}
	for _, c := range changes {
		m.TakesBack = m.TakesBack || c.New != passcode.On
		key, known := passcode.KeyOf(c.Setting)
		if !known || key.TouchesMeetings(c.What == store.ChangedLock, c.New) {
			m.Meetings = store.MovedPerhaps
		}
	}
	return m
}

// Who comes under other locks, or has another licence or number.
var movedProfile = store.Move{Meetings: store.MovedPerhaps, TakesBack: true, Profile: true}

// changes lists who changed which setting, for people and as evidence.
func changes(c *change, level passcode.Level, id, what string, now, old zoom.Settings) []store.SettingChange {
	var all []store.SettingChange
	for _, info := range passcode.AllSettings() {
		if value := now.Values[info.Key]; value != passcode.Unknown {
			all = append(all, store.SettingChange{EventID: c.row.ID, What: what, Level: level, LevelID: id, Setting: info.Path,
				Old: old.Values[info.Key], New: value, ChangedBy: c.row.Operator, ChangedAt: c.env.At, ToldAt: c.row.ReceivedAt})
		}
	}
	return all
}

// readMembers: who joins or leaves a group comes under other locks.
func readMembers(c *change) error {
	group, members, err := c.env.GroupMembers()
	if group = zoom.Clean(group); err == nil && len(members) == 0 && group == "" {
		err = errors.New("neither payload.object.id nor a member's id is usable")
	}
	if err != nil {
		return err
	}
	if len(members) == 0 {
		// Who, is not said: everybody in that group is looked at, and they who are new
		// to it by the next sweep.
		c.level, c.levelID, c.move = passcode.LevelGroup, group, movedProfile
		return nil
	}
	c.move = movedProfile
	for _, m := range members {
		c.hosts = append(c.hosts, zoom.Clean(m))
	}
	return nil
}

// readGroupDeleted: whoever was in it does not come under its locks any more.
func readGroupDeleted(c *change) error {
	group, _, err := c.env.GroupMembers()
	if group = zoom.Clean(group); err == nil && group == "" {
		err = errors.New("field payload.object.id is missing or not usable")
	}
	c.level, c.levelID, c.move = passcode.LevelGroup, group, movedProfile
	return err
}

// readAccountLeft: an account under a master account left it, and its locks with it.
func readAccountLeft(c *change) error {
	c.level, c.levelID, c.move = passcode.LevelAccount, c.row.AccountID, movedProfile
	return nil
}

// readUserUpdated: a host's licence, group or personal meeting id may be another.
func readUserUpdated(c *change) error {
	id, says, err := c.env.UserChange()
	c.row.HostID = zoom.Clean(id)
	if says {
		c.hosts, c.move = []string{c.row.HostID}, movedProfile
	}
	return err
}

// readUser: a host who left, came back, or was switched off.
func readUser(c *change) error {
	id, err := c.env.UserID()
	c.row.HostID = zoom.Clean(id)
	c.hosts, c.move = []string{c.row.HostID}, store.Move{Meetings: store.MovedRead, Profile: true, List: true}
	return err
}

// readValidation: Zoom looked whether the webhook URL leads here. Ingest has answered.
func readValidation(c *change) error {
	c.validated = true
	return nil
}

// readAppRemoved: all that is kept of the account goes.
func readAppRemoved(c *change) error {
	c.erases = true
	return nil
}

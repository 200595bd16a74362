package intake

import (
	"context"
	"slices"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// Kind is one kind of event that latchkey has a use for. The table of kinds is
// the only list of them: what ingest accepts, what is handled how, and the
// subscription in docs/zoom-setup.md all follow from it.
type Kind struct {
	Name string
	// Subscribe is where Zoom's app page lists it: "Meeting: created"; "" for
	// another spelling of one that is listed.
	Subscribe string
	// Touches is what it makes due.
	Touches string
	handle  handler
}

type handler func(*Intake, context.Context, store.Event, zoom.Envelope) (recorded bool, err error)

var kinds = []Kind{
	{zoom.EventMeetingCreated, "Meeting: created", "the meeting", (*Intake).meeting},
	{zoom.EventMeetingUpdated, "Meeting: updated", "the meeting", (*Intake).meeting},
	{zoom.EventMeetingDeleted, "Meeting: deleted", "the meeting", (*Intake).meeting},
	{zoom.EventMeetingGone, "Meeting: permanently deleted", "the meeting", (*Intake).meeting},
	{zoom.EventMeetingBack, "Meeting: recovered", "the meeting", (*Intake).meeting},
	{zoom.EventMeetingStarted, "Meeting: started", "the meeting", (*Intake).meeting},
	{zoom.EventMeetingEnded, "Meeting: ended", "the meeting", (*Intake).meeting},
	{zoom.EventMeetingToWebinar, "Meeting: converted to webinar", "the meeting", (*Intake).meeting},
	{zoom.EventWebinarToMeeting, "Webinar: converted to meeting", "the meeting", (*Intake).meeting},
	{zoom.EventUserSettings, "User: settings updated", "the host and their upcoming meetings", settings(passcode.LevelHost, store.ChangedValue)},
	{zoom.EventUserUpdated, "User: updated", "the host and their upcoming meetings, where licence, group or personal meeting id change", (*Intake).userUpdated},
	{zoom.EventUserActivated, "User: activated", "the host and their upcoming meetings", (*Intake).user},
	{zoom.EventUserLeft, "User: disassociated", "the host and their upcoming meetings", (*Intake).user},
	{zoom.EventUserDeactivated, "User: deactivated", "the host and their upcoming meetings", (*Intake).user},
	{zoom.EventUserDeleted, "User: deleted", "the host and their upcoming meetings", (*Intake).user},
	{zoom.EventGroupSettings, "Group: settings updated", "the group's hosts and their upcoming meetings", settings(passcode.LevelGroup, store.ChangedValue)},
	{zoom.EventGroupLocks, "Group: lock settings updated", "the group's hosts and their upcoming meetings", settings(passcode.LevelGroup, store.ChangedLock)},
	{zoom.EventMemberAdded, "Group: member added", "the members and their upcoming meetings", (*Intake).members},
	{zoom.EventMemberDeleted, "Group: member deleted", "the members and their upcoming meetings", (*Intake).members},
	{zoom.EventMembersDeleted, "", "the members and their upcoming meetings", (*Intake).members},
	{zoom.EventGroupDeleted, "Group: deleted", "the group's hosts and their upcoming meetings", (*Intake).groupDeleted},
	{zoom.EventAccountSettings, "Account: settings updated", "all of the account", settings(passcode.LevelAccount, store.ChangedValue)},
	{zoom.EventAccountLocks, "Account: lock settings updated", "all of the account", settings(passcode.LevelAccount, store.ChangedLock)},
	{zoom.EventAccountLeft, "Account: disassociated", "all of the account", (*Intake).accountLeft},
	{zoom.EventAppRemoved, "App: deauthorized", "all that is kept of the account: it is deleted", (*Intake).appRemoved},
}

// Kinds is the table.
func Kinds() []Kind { return slices.Clone(kinds) }

// Wanted reports whether latchkey has a use for events of this name.
func Wanted(name string) bool {
	_, ok := kindOf(name)
	return ok
}

func kindOf(name string) (Kind, bool) {
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return kinds[i], true
}

func settings(level passcode.Level, what string) handler {
	return func(in *Intake, ctx context.Context, row store.Event, env zoom.Envelope) (bool, error) {
		return in.settings(ctx, row, env, level, what)
	}
}

package intake

import (
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
	// read fills in what the event touches; an error is about the event.
	read func(*change) error
}

var kinds = []Kind{
	{zoom.EventMeetingCreated, "Meeting: created", "the meeting", readMeeting},
	{zoom.EventMeetingUpdated, "Meeting: updated", "the meeting", readMeeting},
	{zoom.EventMeetingDeleted, "Meeting: deleted", "the meeting", readMeeting},
	{zoom.EventMeetingGone, "Meeting: permanently deleted", "the meeting", readMeeting},
	{zoom.EventMeetingBack, "Meeting: recovered", "the meeting", readMeeting},
	{zoom.EventMeetingStarted, "Meeting: started", "the meeting", readMeeting},
	{zoom.EventMeetingEnded, "Meeting: ended", "the meeting", readMeeting},
	{zoom.EventMeetingToWebinar, "Meeting: converted to webinar", "the meeting", readMeeting},
	{zoom.EventWebinarToMeeting, "Webinar: converted to meeting", "the meeting", readMeeting},
	{zoom.EventUserSettings, "User: settings updated", "the host and their upcoming meetings", readSettings(passcode.LevelHost, store.ChangedValue)},
	{zoom.EventUserUpdated, "User: updated", "the host and their upcoming meetings, where licence, group or personal meeting id change", readUserUpdated},
	{zoom.EventUserActivated, "User: activated", "the host and their upcoming meetings", readUser},
	{zoom.EventUserLeft, "User: disassociated", "the host and their upcoming meetings", readUser},
	{zoom.EventUserDeactivated, "User: deactivated", "the host and their upcoming meetings", readUser},
	{zoom.EventUserDeleted, "User: deleted", "the host and their upcoming meetings", readUser},
	{zoom.EventGroupSettings, "Group: settings updated", "the group's hosts and their upcoming meetings", readSettings(passcode.LevelGroup, store.ChangedValue)},
	{zoom.EventGroupLocks, "Group: lock settings updated", "the group's hosts and their upcoming meetings", readSettings(passcode.LevelGroup, store.ChangedLock)},
	{zoom.EventMemberAdded, "Group: member added", "the members and their upcoming meetings", readMembers},
	{zoom.EventMemberDeleted, "Group: member deleted", "the members and their upcoming meetings", readMembers},
	{zoom.EventMembersDeleted, "", "the members and their upcoming meetings", readMembers},
	{zoom.EventGroupDeleted, "Group: deleted", "the group's hosts and their upcoming meetings", readGroupDeleted},
	{zoom.EventAccountSettings, "Account: settings updated", "all of the account", readSettings(passcode.LevelAccount, store.ChangedValue)},
	{zoom.EventAccountLocks, "Account: lock settings updated", "all of the account", readSettings(passcode.LevelAccount, store.ChangedLock)},
	{zoom.EventAccountLeft, "Account: disassociated", "all of the account", readAccountLeft},
	{zoom.EventAppRemoved, "App: deauthorized", "all that is kept of the account: it is deleted", readAppRemoved},
}

// Kinds is the table.
func Kinds() []Kind { return slices.Clone(kinds) }

// validation is no event of the account: ingest answers it, and passes on that it came.
var validation = Kind{Name: zoom.EventURLValidation, Touches: "nothing: it is noted when Zoom validated the webhook URL", read: readValidation}

// Wanted reports whether latchkey has a use for events of this name.
func Wanted(name string) bool {
	_, ok := kindOf(name)
	return ok && name != validation.Name
}

func kindOf(name string) (Kind, bool) {
	if name == validation.Name {
		return validation, true
	}
	i := slices.IndexFunc(kinds, func(k Kind) bool { return k.Name == name })
	if i < 0 {
		return Kind{}, false
	}
	return kinds[i], true
}

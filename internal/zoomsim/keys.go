package zoomsim

// key names one setting that can be set and locked at every level. The older
// names under schedule_meeting and in_meeting are views of the same key, so
// the twins never disagree (fields.go).
type key uint8

const (
	keyMeetingPassword   key = iota // new scheduled and instant meetings
	keyScheduledPassword            // meetings already scheduled
	keyPMIPassword                  // PMI meetings, all of them
	keyPMIJBHPassword               // PMI meetings that allow joining before the host
	keyPhonePassword
	keyEmbedPassword
	keyWaitingRoom
	keyAuthentication
	keyAutoSecurity
	keyWebAuth // only_authenticated_can_join_from_webclient
	keyJoinBeforeHost
	keyUsePMIScheduled
	keyUsePMIInstant
	keyRequirement      // an object: value in layer.req
	keyWaitingRoomHolds // an object: value in layer.room
	keyDefaultPasscode
	keyPMIPasscode // a string, users only: value in layer.text
	numKeys
)

// mask is a set of keys.
type mask uint32

func (k key) bit() mask       { return 1 << k }
func (m mask) has(k key) bool { return m&k.bit() != 0 }
func (m *mask) put(k key, on bool) {
	if on {
		*m |= k.bit()
	} else {
		*m &^= k.bit()
	}
}

// layer is one level's settings: the account's, a group's or a user's. A key
// outside set is not managed there and falls through to the level above.
type layer struct {
	set    mask // which keys this level says anything about
	on     mask // boolean values, where set
	locked mask // accounts and groups only
	req    Requirement
	room   WaitingRoomSettings
	text   [numKeys]string // string values: keyDefaultPasscode, keyPMIPasscode
}

// lock locks a setting or unlocks it. Whom the waiting room holds is locked
// with it.
func (l *layer) lock(k key, on bool) {
	l.locked.put(k, on)
	if k == keyWaitingRoom {
		l.locked.put(keyWaitingRoomHolds, on)
	}
}

// put sets a boolean value.
func (l *layer) put(k key, on bool) {
	l.set |= k.bit()
	l.on.put(k, on)
}

// factory are the values a Zoom account starts with: the waiting room on,
// a passcode required, embedded in the link. Zoom's defaults by account age
// differ; scenarios say what matters to them.
var factory = layer{
	set: 1<<numKeys - 1,
	on: keyMeetingPassword.bit() | keyPMIPassword.bit() | keyEmbedPassword.bit() |
		keyPhonePassword.bit() | keyWaitingRoom.bit() | keyAutoSecurity.bit(),
	req: Requirement{},
}

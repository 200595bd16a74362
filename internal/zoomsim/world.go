package zoomsim

import (
	"slices"
	"time"
)

// Plan is an account's Zoom plan.
type Plan string

// The plans that Zoom's rules and limits tell apart (Z-LOCK-6 to Z-LOCK-9, Z-LIMIT-1 to Z-LIMIT-3).
const (
	PlanFree       Plan = "free"
	PlanPro        Plan = "pro"
	PlanBusiness   Plan = "business"
	PlanEnterprise Plan = "enterprise"
	PlanEducation  Plan = "education"
)

func (p Plan) valid() bool {
	switch p {
	case PlanFree, PlanPro, PlanBusiness, PlanEnterprise, PlanEducation:
		return true
	}
	return false
}

// account is one Zoom account and all that belongs to it.
type account struct {
	ID        string
	Name      string
	Plan      Plan
	Licences  int
	GroupsNew bool
	Limits    Limits
	Scopes    []string
	cred      Credentials
	inactive  bool // its app was deactivated
	removed   bool // and that by DeauthorizeApp
	clearing  Clearing
	hides     bool // its app may not see passcodes
	own       layer
	groups    map[string]*group
	named     map[string][]*group // by name, the first of them first
	order     []*group
	users     roster
	status    map[string]*roster // the users again, by status
	window    map[rateKey]int    // calls a second and label
	day       map[rateKey]int    // calls a day and label
}

// group is a Zoom user group. A smaller Priority decides first.
type group struct {
	ID       string
	Name     string
	Priority int
	own      layer
	acct     *account
	members  roster
}

// user is a Zoom user who hosts meetings.
type user struct {
	ID, Email   string
	First, Last string
	Timezone    string
	Type        int    // UserBasic and so on
	Status      string // active, inactive
	// noScheduling refuses creates and updates by API.
	noScheduling bool
	PMI          int64
	Groups       []string // ids, the first joined first
	meetings     []*meeting
	room         *meeting // not among them
	own          layer
	acct         *account
	created      time.Time
	seq          int   // greater than that of all who joined before
	spent        int   // creates and updates
	spentDay     int64 // on this UTC day
}

// The states of a meeting. Zoom's API knows waiting and started only; an ended
// scheduled meeting reads as waiting again.
const (
	statusWaiting = "waiting"
	statusStarted = "started"
	statusEnded   = "ended"
)

// meeting is one meeting with the security options that Zoom decided on.
type meeting struct {
	ID             int64
	UUID           string
	Topic, Agenda  string
	Type           int
	Start          time.Time // zero: none
	Duration       int
	Timezone       string
	Created        time.Time
	Source         string
	Recurrence     map[string]any
	Occurrences    []occurrence
	UsePMI         bool
	JoinBefore     bool
	JBHTime        int
	WaitingRoom    bool
	RoomOptions    WaitingRoomOptions
	Authentication bool
	Passcode       string // not for PMI meetings, see passcodeOf
	Status         string
	Deleted        bool
	Purged         bool // and that for good
	Webinar        bool // converted; Type is still the meeting's
	isRoom         bool // the host's PMI room
	host           *user
	// before is the state ahead of the last write, for stale reads.
	before *meeting
}

// world is everything that the API shows. The server's mutex guards it.
type world struct {
	documents Documents
	accounts  []*account
	here      directory
	gone      directory       // disassociated
	rooms     map[int64]*user // by PMI
	joined    int             // how many ever
	meetings  map[int64]*meeting
	order     []*meeting
	src       *source
}

func (w *world) account(id string) *account {
	for _, a := range w.accounts {
		if a.ID == id || id == "" {
			return a
		}
	}
	return nil
}

// user finds a user of any account by id or email.
func (w *world) user(id string) *user { return w.here.find(id) }

// userOf finds a user of one account by id or email, as Zoom's paths allow.
func (w *world) userOf(a *account, id string) *user {
	if u := w.here.find(id); u != nil && u.acct == a {
		return u
	}
	return nil
}

// group finds a group by id; the control API and Go calls may use the name.
func (w *world) group(id string) *group {
	for _, a := range w.accounts {
		if g := a.find(id); g != nil {
			return g
		}
	}
	return nil
}

// add puts a meeting into the world.
func (w *world) add(m *meeting) {
	w.meetings[m.ID] = m
	w.order = append(w.order, m)
	m.host.meetings = append(m.host.meetings, m)
}

// meetingsOf lists a user's meetings that are not deleted, oldest first.
func (w *world) meetingsOf(u *user) []*meeting {
	var out []*meeting
	for _, m := range u.meetings {
		if !m.Deleted {
			out = append(out, m)
		}
	}
	return out
}

// pmi says whether the meeting runs on the host's personal meeting id, whose
// passcode is the user's and not the meeting's (Z-MEET-10).
func (m *meeting) pmi() bool { return m.UsePMI || m.Type == 4 }

// passcodeKey is the setting that decides on a meeting's passcode.
func (m *meeting) passcodeKey(r *resolved) key {
	switch {
	case !m.pmi():
		return keyMeetingPassword
	case !r.on.has(keyPMIPassword) && m.JoinBefore:
		return keyPMIJBHPassword
	}
	return keyPMIPassword
}

// passcodeOf is the passcode that a joiner of the meeting needs, "" for none.
// A PMI meeting has the user's PMI passcode while the host's PMI setting
// demands one, whatever was asked of the meeting.
func (w *world) passcodeOf(m *meeting) string {
	if !m.pmi() {
		return m.Passcode
	}
	r := m.host.acct.resolve(m.host)
	if !r.on.has(m.passcodeKey(&r)) {
		return ""
	}
	if m.host.own.text[keyPMIPasscode] == "" {
		m.host.own.text[keyPMIPasscode] = w.src.passcode(r.req)
		m.host.own.set |= keyPMIPasscode.bit()
	}
	return m.host.own.text[keyPMIPasscode]
}

func (w *world) stateOf(m *meeting) State {
	return State{WaitingRoom: m.WaitingRoom, Authentication: m.Authentication, Passcode: w.passcodeOf(m) != ""}
}

// over says that nothing of the meeting is to come: ended, or its last
// scheduled time has passed. Recurring meetings without a time and
// PMI meetings never run out by themselves.
func (m *meeting) over(now time.Time) bool {
	if m.Deleted || m.Status == statusEnded {
		return true
	}
	if m.Type != 2 && m.Type != 8 || m.Start.IsZero() || m.Status == statusStarted {
		return false
	}
	if len(m.Occurrences) == 0 {
		return now.After(m.Start.Add(time.Duration(m.Duration) * time.Minute))
	}
	// A series whose dates are all deleted is over too.
	return !slices.ContainsFunc(m.Occurrences, func(o occurrence) bool { return o.ahead(now) })
}

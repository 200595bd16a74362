package zoomsim

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// buildWorld makes the starting state from a scenario.
func buildWorld(s Scenario, src *source, now time.Time) (*world, error) {
	if err := s.Documents.check(); err != nil {
		return nil, err
	}
	w := &world{documents: s.Documents, meetings: map[int64]*meeting{}, rooms: map[int64]*user{}, here: newDirectory(), gone: newDirectory(), src: src}
	for _, sa := range s.Accounts {
		a, err := w.buildAccount(sa, now)
		if err != nil {
			return nil, fmt.Errorf("account %q: %w", sa.ID, err)
		}
		w.accounts = append(w.accounts, a)
	}
	return w, nil
}

func (w *world) buildAccount(sa ScenarioAccount, now time.Time) (*account, error) {
	if sa.ID == "" {
		return nil, errors.New("id is missing")
	}
	if w.account(sa.ID) != nil && len(w.accounts) > 0 {
		return nil, errors.New("there twice")
	}
	a := &account{
		ID: sa.ID, Name: cmp.Or(sa.Name, sa.ID), Plan: cmp.Or(sa.Plan, PlanBusiness),
		Licences: sa.Licences, Limits: Limits{PerSecond: true, Daily: true}, Scopes: sa.Scopes, hides: sa.HidePasscodes, clearing: sa.PasscodeClearedBy,
		groups: map[string]*group{}, named: map[string][]*group{}, status: map[string]*roster{}, window: map[rateKey]int{}, day: map[rateKey]int{},
	}
	if err := a.clearing.check(); err != nil {
		return nil, err
	}
	if !a.Plan.valid() {
		return nil, fmt.Errorf("plan %q: want free, pro, business, enterprise or education", sa.Plan)
	}
	if a.Licences == 0 {
		a.Licences = map[Plan]int{PlanFree: 1, PlanPro: 1, PlanBusiness: 50}[a.Plan]
		if a.Licences == 0 {
			a.Licences = 500
		}
	}
	switch sa.GroupsExperience {
	case "", "old":
	case "new":
		a.GroupsNew = true
	default:
		return nil, fmt.Errorf("groups_experience %q: want old or new", sa.GroupsExperience)
	}
	if sa.Limits != nil {
		a.Limits = *sa.Limits
	}
	a.cred = Credentials{
		AccountID:    sa.ID,
		ClientID:     cmp.Or(sa.ClientID, derivedID("client", sa.ID)),
		ClientSecret: cmp.Or(sa.ClientSecret, derivedID("client secret", sa.ID)),
		SecretToken:  cmp.Or(sa.SecretToken, derivedID("secret token", sa.ID)),
	}
	if err := a.own.load(sa.Settings, sa.Locks); err != nil {
		return nil, err
	}
	for i, sg := range sa.Groups {
		if err := a.buildGroup(sg, i); err != nil {
			return nil, fmt.Errorf("group %q: %w", cmp.Or(sg.ID, sg.Name), err)
		}
	}
	for _, sh := range sa.Hosts {
		if err := w.buildHost(a, sh, now); err != nil {
			return nil, fmt.Errorf("host %q: %w", cmp.Or(sh.Email, sh.ID), err)
		}
	}
	return a, nil
}

// load fills one level from a scenario.
func (l *layer) load(settings, locks SettingsPatch) error {
	values, err := settings.decode(true, false)
	if err != nil {
		return err
	}
	for _, c := range values {
		c.apply(l, &factory)
	}
	held, err := locks.decode(true, true)
	if err != nil {
		return fmt.Errorf("locks: %w", err)
	}
	for _, c := range held {
		l.lock(c.key, c.on)
	}
	return nil
}

func (a *account) buildGroup(sg ScenarioGroup, i int) error {
	if sg.ID == "" && sg.Name == "" {
		return errors.New("id or name is missing")
	}
	g := &group{
		ID: cmp.Or(sg.ID, derivedID("group", a.ID+"/"+sg.Name)), Name: cmp.Or(sg.Name, a.groupName(i)),
		Priority: cmp.Or(sg.Priority, i+1), acct: a,
	}
	if a.groups[g.ID] != nil {
		return errors.New("there twice")
	}
	a.addGroup(g)
	return g.own.load(sg.Settings, sg.Locks)
}

// groupName is what an admin may have called a group that has only an id in
// the scenario: a name that is not the id.
func (a *account) groupName(i int) string {
	name := groupNames[i%len(groupNames)]
	if n := i / len(groupNames); n > 0 {
		name += " " + strconv.Itoa(n+1)
	}
	return name
}

var groupNames = [...]string{"Sales EMEA", "Support Americas", "Finance", "Legal and Compliance", "Product", "Human Resources"}

func (a *account) groupID(name string) (string, error) {
	if g := a.find(name); g != nil {
		return g.ID, nil
	}
	return "", fmt.Errorf("group %q is not in the account", name)
}

func (w *world) buildHost(a *account, sh ScenarioHost, now time.Time) error {
	if sh.ID == "" && sh.Email == "" {
		return errors.New("id or email is missing")
	}
	u := &user{
		ID:    cmp.Or(sh.ID, derivedID("user", sh.Email)),
		Email: cmp.Or(sh.Email, strings.ToLower(sh.ID)+"@example.com"),
		First: cmp.Or(sh.FirstName, "Host"), Last: cmp.Or(sh.LastName, cmp.Or(sh.ID, sh.Email)),
		Timezone: cmp.Or(sh.Timezone, "UTC"), Status: cmp.Or(sh.Status, "active"),
		PMI: cmp.Or(sh.PMI, w.derivedPMI(a.ID+"/"+sh.Email+sh.ID)), acct: a,
		Type: UserLicensed, noScheduling: sh.CannotSchedule,
		created: time.Date(2020, 5, 4, 8, 0, 0, 0, time.UTC),
	}
	if w.user(u.ID) != nil || w.user(u.Email) != nil {
		return errors.New("there twice")
	}
	if w.rooms[u.PMI] != nil {
		return fmt.Errorf("pmi %d is there twice", u.PMI)
	}
	switch sh.Type {
	case "", "licensed":
	case "basic":
		u.Type = UserBasic
	case "unassigned":
		u.Type = UserUnassigned
	default:
		return fmt.Errorf("type %q: want licensed, basic or unassigned", sh.Type)
	}
	if u.Status != "active" && u.Status != "inactive" {
		return fmt.Errorf("status %q: want active or inactive", sh.Status)
	}
	for _, name := range sh.Groups {
		id, err := a.groupID(name)
		if err != nil {
			return err
		}
		u.Groups = append(u.Groups, id)
	}
	if err := u.own.load(sh.Settings, nil); err != nil {
		return err
	}
	if u.own.text[keyPMIPasscode] == "" {
		r := a.resolve(u)
		u.own.text[keyPMIPasscode] = w.src.passcode(r.req)
		u.own.set |= keyPMIPasscode.bit()
	}
	if err := w.openRoom(u); err != nil {
		return err
	}
	w.join(u)
	u.spendToday(sh.SpentToday, now)
	for i, sm := range sh.Meetings {
		if err := w.buildMeeting(u, sm, now); err != nil {
			return fmt.Errorf("meeting %d: %w", i+1, err)
		}
	}
	return nil
}

func (w *world) buildMeeting(u *user, sm ScenarioMeeting, now time.Time) error {
	if !validSource(sm.CreationSource) {
		return fmt.Errorf("creation_source %q: want other, open_api, web_portal or zoom_scheduler", sm.CreationSource)
	}
	m := &meeting{
		ID: sm.ID, UUID: w.src.uuid(), host: u, Topic: cmp.Or(sm.Topic, "Zoom Meeting"),
		Type: cmp.Or(sm.Type, sm.defaultType()), Start: sm.StartTime.UTC(), Duration: cmp.Or(sm.Duration, 60), Timezone: u.Timezone,
		Created: now.UTC().Truncate(time.Second), Source: cmp.Or(sm.CreationSource, SourceOpenAPI),
		Passcode: sm.Password, WaitingRoom: sm.WaitingRoom, Authentication: sm.Authentication,
		UsePMI: sm.UsePMI, JoinBefore: sm.JoinBeforeHost, Status: statusWaiting,
	}
	if m.ID == 0 {
		m.ID = w.freeID()
	}
	if m.ID < 100_000_000 || m.ID > 99_999_999_999 {
		return fmt.Errorf("id %d: Zoom's have 9 to 11 digits", m.ID)
	}
	if w.meetings[m.ID] != nil {
		return fmt.Errorf("id %d is there twice", m.ID)
	}
	if sm.StartTime.IsZero() {
		m.Start = now.UTC().Truncate(time.Second).Add(sm.StartsIn)
	}
	if m.Type == 3 || m.Type == 4 {
		m.Start = time.Time{}
	}
	if sm.WaitingRoomHolds != "" {
		m.RoomOptions = WaitingRoomOptions{Custom, sm.WaitingRoomHolds}
		if err := m.RoomOptions.check(); err != nil {
			return fmt.Errorf("waiting_room_holds %q: want one of %s", sm.WaitingRoomHolds, strings.Join(holdings, ", "))
		}
	}
	if err := m.buildDates(sm); err != nil {
		return err
	}
	if sm.Started {
		m.begin()
	}
	w.add(m)
	return nil
}

// buildDates lays out a series and gives its dates what is their own.
func (m *meeting) buildDates(sm ScenarioMeeting) error {
	if sm.Recurrence == nil {
		if len(sm.Dates) > 0 {
			return errors.New("dates: the meeting has no recurrence")
		}
		return nil
	}
	if m.Type != 8 {
		return fmt.Errorf("type %d: a meeting with a recurrence has type 8", m.Type)
	}
	m.recur(sm.Recurrence)
	for _, d := range sm.Dates {
		if d.Date < 1 || d.Date > len(m.Occurrences) {
			return fmt.Errorf("date %d: the series has %d", d.Date, len(m.Occurrences))
		}
		m.Occurrences[d.Date-1].WaitingRoom = d.WaitingRoom
	}
	return nil
}

// derivedPMI makes a stable 10-digit personal meeting id, nobody's so far: among
// a hundred thousand some would be two's.
func (w *world) derivedPMI(name string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	for n := h.Sum64(); ; n++ {
		if pmi := 3_000_000_000 + int64(n%1_000_000_000); w.rooms[pmi] == nil {
			return pmi
		}
	}
}

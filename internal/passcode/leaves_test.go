package passcode

import "testing"

// What the settings leave as it is need not be read when they change; whatever may be
// otherwise is read.
func TestLeaves(t *testing.T) {
	t.Parallel()
	free := func(v Toggle) Setting { return Setting{Value: v, Lock: Off} }
	locked := func(v Toggle) Setting { return Setting{Value: v, Lock: On, LockLevel: LevelGroup} }
	host := func(set map[Key]Setting) Host {
		var h Host
		h.Plan = PlanPaid
		for _, info := range AllSettings() {
			h.Settings[info.Key] = free(Off)
		}
		h.Settings[KeyEmbed] = free(On)
		for k, s := range set {
			h.Settings[k] = s
		}
		return h
	}
	waits := Meeting{Type: TypeScheduled, Passcode: Off, WaitingRoom: On, Authentication: Off}
	asks := Meeting{Type: TypeScheduled, Passcode: On, WaitingRoom: Off, Authentication: Off, LinkHasPasscode: On}
	nothing := Meeting{Type: TypeScheduled, Passcode: Off, WaitingRoom: Off, Authentication: Off}
	for name, c := range map[string]struct {
		host Host
		m    Meeting
		want bool
	}{
		"nothing forces anything":                              {host(nil), waits, true},
		"passcode on for new meetings alone":                   {host(map[Key]Setting{KeyPasscode: free(On)}), waits, true},
		"on for those that are scheduled alone":                {host(map[Key]Setting{KeyScheduled: free(On)}), waits, false},
		"that, and locked off":                                 {host(map[Key]Setting{KeyPasscode: locked(Off), KeyScheduled: free(On)}), waits, true},
		"and for those that are scheduled":                     {host(map[Key]Setting{KeyPasscode: free(On), KeyScheduled: free(On)}), waits, false},
		"that is not known":                                    {host(map[Key]Setting{KeyPasscode: free(On), KeyScheduled: {}}), waits, false},
		"that, where it has one":                               {host(map[Key]Setting{KeyPasscode: free(On), KeyScheduled: free(On)}), asks, true},
		"locked on, and it has none":                           {host(map[Key]Setting{KeyPasscode: locked(On)}), waits, false},
		"locked on, and it has one":                            {host(map[Key]Setting{KeyPasscode: locked(On)}), asks, true},
		"locked off, and it has one":                           {host(map[Key]Setting{KeyPasscode: locked(Off)}), asks, false},
		"locked off, and it has none":                          {host(map[Key]Setting{KeyPasscode: locked(Off)}), waits, true},
		"it is not known whether it is locked":                 {host(map[Key]Setting{KeyPasscode: {Value: Off}}), waits, false},
		"two levels contradict each other":                     {host(map[Key]Setting{KeyPasscode: {Value: On, Lock: On, Contradiction: true}}), asks, false},
		"waiting room locked off, and it has one":              {host(map[Key]Setting{KeyWaitingRoom: locked(Off)}), waits, false},
		"waiting room locked on, and it has none":              {host(map[Key]Setting{KeyWaitingRoom: locked(On)}), asks, false},
		"sign-in locked on, and it asks for none":              {host(map[Key]Setting{KeyAuthentication: locked(On)}), asks, false},
		"every meeting is to be secured, and it is":            {host(map[Key]Setting{KeyAutoSecurity: free(On)}), waits, true},
		"every meeting is to be secured, and it isn't":         {host(map[Key]Setting{KeyAutoSecurity: free(On)}), nothing, false},
		"what secures it is not known, and was not taken away": {host(map[Key]Setting{KeyAutoSecurity: free(On)}), Meeting{Type: TypeScheduled, Passcode: Off}, true},
		"what secures it is not known, and may have been":      {host(map[Key]Setting{KeyAutoSecurity: free(On), KeyWaitingRoom: locked(Off)}), Meeting{Type: TypeScheduled, Passcode: Off}, false},
		"nothing secures it, and need not":                     {host(nil), nothing, true},
		"whether it has one is not known":                      {host(nil), Meeting{Type: TypeScheduled}, false},
		"a personal meeting":                                   {host(nil), Meeting{Type: TypePMI, Passcode: Off, WaitingRoom: On}, false},
		"a meeting under a personal number":                    {host(nil), Meeting{Type: TypeScheduled, UsesPMI: true, Passcode: Off, WaitingRoom: On}, false},
		"the link carries it no more":                          {host(map[Key]Setting{KeyEmbed: free(Off)}), asks, false},
		"the plan has passcodes on": {func() Host {
			h := host(map[Key]Setting{KeyPasscode: {Value: On, Lock: On, LockLevel: LevelPlan}})
			h.Plan = PlanFree
			return h
		}(), waits, false},
		"nothing is known of the host": {Host{}, waits, false},
	} {
		if got := c.host.Leaves(c.m); got != c.want {
			t.Errorf("%s: left as it is %v, want %v", name, got, c.want)
		}
	}
}

func TestTouchesMeetings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		key  Key
		lock bool
		to   Toggle
		want bool
	}{
		"passcode on":            {KeyPasscode, false, On, true}, // perhaps for those that are scheduled, too
		"passcode off":           {KeyPasscode, false, Off, false},
		"passcode locked":        {KeyPasscode, true, On, true},
		"passcode unlocked":      {KeyPasscode, true, Off, false},
		"instant on":             {KeyInstant, false, On, false},
		"instant locked":         {KeyInstant, true, On, true},
		"for scheduled ones on":  {KeyScheduled, false, On, true},
		"waiting room off":       {KeyWaitingRoom, false, Off, true},
		"everything secured":     {KeyAutoSecurity, false, On, true},
		"everything secured off": {KeyAutoSecurity, false, Off, false},
		"phone":                  {KeyPhone, false, On, false},
		"not said to what":       {KeyPasscode, false, Unknown, true},
	} {
		if got := c.key.TouchesMeetings(c.lock, c.to); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

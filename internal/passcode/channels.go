package passcode

import "strings"

// Channels says what each way of joining asks for (Z-SET-11 and following, Z-JOIN-6).
type Channels struct {
	// Number is the web SDK or the app, with the meeting number typed.
	Number Channel `json:"number"`
	// Link is the invitation link.
	Link Channel `json:"link"`
	// Phone asks for a numeric passcode of its own.
	Phone Channel `json:"phone"`
}

// Channel is what one way of joining asks for.
type Channel struct {
	Passcode Toggle `json:"passcode"` // must be typed
	SignIn   Toggle `json:"sign_in"`  // must be signed in to Zoom
}

func channels(f *Facts) Channels {
	m, h := &f.Meeting, &f.Host
	var c Channels
	c.Number.Passcode = m.Passcode
	c.Link.Passcode, c.Phone.Passcode = m.Passcode, m.Passcode
	if m.Passcode == On {
		// The link's joiner types nothing when the link carries it.
		c.Link.Passcode = not(m.LinkHasPasscode)
		c.Phone.Passcode = m.PhonePasscode
		if m.PhonePasscode == Unknown {
			c.Phone.Passcode = h.Settings[KeyPhone].Value
		}
	}
	// Authentication asks everybody but phones; the web client may ask alone.
	c.Number.SignIn, c.Link.SignIn = m.Authentication, m.Authentication
	if c.Number.SignIn != On && h.Settings[KeyWebClient].Value == On {
		c.Number.SignIn = On
	}
	c.Phone.SignIn = Off
	return c
}

func not(t Toggle) Toggle {
	switch t {
	case On:
		return Off
	case Off:
		return On
	}
	return Unknown
}

// Sentence tells all three channels in one line.
func (c Channels) Sentence() string {
	return "by number: " + c.Number.words("passcode") + "; by link: " + c.Link.words("passcode") + "; by phone: " + c.Phone.words("numeric passcode")
}

func (c Channel) words(what string) string {
	var parts []string
	switch c.Passcode {
	case On:
		parts = append(parts, "type the "+what)
	case Unknown:
		parts = append(parts, "not known whether a "+what+" is asked")
	}
	switch c.SignIn {
	case On:
		parts = append(parts, "be signed in")
	case Unknown:
		parts = append(parts, "not known whether sign-in is asked")
	}
	if len(parts) == 0 {
		return "nothing to type"
	}
	return strings.Join(parts, " and ")
}

package zoomsim

import "fmt"

// Clearing says by which form of "password" an update by API removes a
// passcode. Zoom documents null and shows "" (Z-CODE-11, Z-CODE-12) and which
// of them holds is to be read back: a form that does not is as if the request
// had not named the passcode.
type Clearing string

// The zero value is ClearedByBoth.
const (
	ClearedByBoth    Clearing = "both"
	ClearedByEmpty   Clearing = "empty"
	ClearedByNull    Clearing = "null"
	ClearedByNeither Clearing = "neither"
)

func (c Clearing) check() error {
	switch c {
	case "", ClearedByBoth, ClearedByEmpty, ClearedByNull, ClearedByNeither:
		return nil
	}
	return fmt.Errorf("passcode_cleared_by %q: want both, empty, null or neither", string(c))
}

// ask is what an update by API says of the passcode where this holds.
func (c Clearing) ask(p Passcode) Ask {
	form := ClearedByEmpty
	if p.null {
		form = ClearedByNull
	}
	if p.Ask() == AskNo && c != "" && c != ClearedByBoth && c != form {
		return AskAbsent
	}
	return p.Ask()
}

// SetPasscodeClearing changes the form for an account; "" is the first. What
// somebody changes by hand is cleared by either.
func (s *Server) SetPasscodeClearing(accountID string, c Clearing) error {
	if err := c.check(); err != nil {
		return err
	}
	return s.changeApp(accountID, func(a *account) error {
		a.clearing = c
		return nil
	})
}

package admin

import (
	"context"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// KnownHost is a host with what holds for them, as far as it was last read.
type KnownHost struct {
	Row  store.Host
	Host passcode.Host
}

// Passcode is the host's passcode setting with its lock.
func (h KnownHost) Passcode() passcode.Setting { return h.Host.Settings[passcode.KeyPasscode] }

// HostFacts returns what is known of the host of that id or e-mail address, from
// the database alone; an *UnknownHostError when there is none. account, if not "",
// says whose host is meant.
func HostFacts(ctx context.Context, s *store.Store, account, name string) (KnownHost, error) {
	h, err := Forecast(ctx, s, account, name)
	if err != nil {
		return KnownHost{}, err
	}
	levels, err := levelsOf(ctx, s, h)
	return KnownHost{Row: h, Host: levels.Host()}, err
}

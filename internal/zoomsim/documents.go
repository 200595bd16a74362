package zoomsim

import (
	"errors"
	"fmt"
	"net/http"
)

// Documents says which of Zoom's documents a simulated Zoom follows where two
// that are in force disagree: whether a create that brings no passcode gets a
// generated one (Z-RULE-8, Z-RULE-9). The zero value is Documents2025.
type Documents string

// Documents2025 is the OpenAPI of December 2025: the host's setting generates
// a passcode, whatever the waiting room, unless default_password is false.
// Documents2020 is the table of December 2020, with default_password false
// where it is absent, as the SDK texts of 2023 and 2024 have it (Z-RULE-10).
const (
	Documents2025 Documents = "2025"
	Documents2020 Documents = "2020"
)

func (d Documents) check() error {
	switch d {
	case "", Documents2025, Documents2020:
		return nil
	}
	return fmt.Errorf("documents %q: want %s or %s", string(d), Documents2025, Documents2020)
}

// generates says that a create which names no passcode gets one while the
// host's setting is on and not locked.
func (d Documents) generates(w Wish) bool {
	if d == Documents2020 {
		return w.DefaultPassword == AskYes || w.WaitingRoom == AskAbsent // Z-RULE-12
	}
	return w.DefaultPassword != AskNo
}

// Documents returns the documents that the simulator follows.
func (s *Server) Documents() Documents {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.world.documents == "" {
		return Documents2025
	}
	return s.world.documents
}

// SetDocuments changes the documents that creates follow from now on; meetings
// that are there stay as they are. A word other than the two is an error.
func (s *Server) SetDocuments(d Documents) error {
	if err := d.check(); err != nil {
		return err
	}
	if d == "" {
		return errors.New("documents: none named")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world.documents = d
	return nil
}

// controlDocuments serves the switch.
func (s *Server) controlDocuments(mux *http.ServeMux) {
	s.op(mux, "GET /_sim/documents", http.StatusOK, func(*http.Request) (any, error) {
		return obj{"documents": s.Documents()}, nil
	})
	s.do(mux, "PUT /_sim/documents", func(r *http.Request) error {
		var v struct {
			Documents Documents `json:"documents"`
		}
		if err := readStrict(r, &v); err != nil {
			return err
		}
		return s.SetDocuments(v.Documents)
	})
}

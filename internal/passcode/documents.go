package passcode

import "fmt"

// Documents names which of Zoom's documents an account follows where two that
// are in force disagree about a create (Z-RULE-8, Z-RULE-9, Z-RULE-10).
type Documents string

// The documents. DocumentsOpen: nobody tried on this account what Zoom does, so
// that the newer one is expected and the answer is marked as disputed.
const (
	DocumentsOpen Documents = ""
	Documents2020 Documents = "2020" // the security page of December 2020
	Documents2025 Documents = "2025" // the API reference of December 2025
)

// AllDocuments is the closed set, for tests that hold other places to it.
func AllDocuments() []Documents { return []Documents{DocumentsOpen, Documents2020, Documents2025} }

// UnmarshalText reads one of the words; anything else is an error.
func (d *Documents) UnmarshalText(b []byte) error {
	for _, known := range AllDocuments() {
		if string(b) == string(known) {
			*d = known
			return nil
		}
	}
	return fmt.Errorf("documents %q: want 2020 or 2025, or none where nobody tried", b)
}

// Sureness says what a prediction rests on.
type Sureness string

// How sure a prediction is.
const (
	SureDocumented Sureness = "documented" // Zoom's documents agree
	SureDisputed   Sureness = "disputed"   // two that are in force disagree; the newer one is followed
	SureMeasured   Sureness = "measured"   // they disagree, and what Zoom does was tried on this account
	SureUnknown    Sureness = "unknown"    // no document says, or not all facts are known
)

// Surenesses is the closed set, for tests that hold other places to it.
func Surenesses() []Sureness {
	return []Sureness{SureDocumented, SureDisputed, SureMeasured, SureUnknown}
}

// Said is what one document says of a request.
type Said struct {
	Options
	Source Source `json:"source"`
}

// What people may look up: the two documents by name.
const (
	newerDocument = "Zoom's newer reference"
	olderDocument = "the older security page"
)

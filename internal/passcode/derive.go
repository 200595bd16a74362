package passcode

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
)

// The characters of derived passcodes, without those that are mistaken for
// each other (0 O o, 1 I l i).
const (
	digitsDerived = "23456789"
	// The one special character that Zoom's texts of a create and of a change both
	// name (Z-CODE-2, Z-CODE-3).
	specialDerived = "@"
	lettersDerived = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
)

// DerivedLength is the length of a derived passcode, unless more is required.
const DerivedLength = 8

// deriveTries bounds the search for a conforming passcode. Of all possible
// requirements the hardest takes a handful; see the property test.
const deriveTries = 10000

// Derive makes the passcode of a meeting from a secret: the same everywhere and
// always, so that another program can know it without asking latchkey. For
// n = 0, 1, 2, …:
//
//	d = HMAC-SHA256(secret, "<meeting id>:<n>")
//	passcode[i] = alphabet[d[i] mod len(alphabet)], for i below the length
//
// and the first passcode that meets the requirement is it. The alphabet is
// digits, or digits and letters, or these and @ where a special character is
// required. docs/known-passcode.md has it in other languages, and test vectors.
//
// The error says why no passcode can meet the requirement.
func Derive(secret string, meetingID int64, r Requirement) (string, error) {
	if err := r.Possible(); err != nil {
		return "", err
	}
	alphabet := digitsDerived + lettersDerived
	switch {
	case r.OnlyNumeric:
		alphabet = digitsDerived
	case r.HaveSpecial:
		alphabet += specialDerived
	}
	length := max(DerivedLength, r.Length)
	out := make([]byte, length)
	for n := range deriveTries {
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%d:%d", meetingID, n)
		d := mac.Sum(nil)
		for i := range out {
			out[i] = alphabet[int(d[i])%len(alphabet)]
		}
		if r.Check(string(out)) == nil {
			return string(out), nil
		}
	}
	return "", errors.New("no passcode was found that meets the requirement")
}

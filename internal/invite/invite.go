// Package invite reads what people paste when they ask about a meeting: its
// number, a link to it in any form, or a whole invitation (Z-JOIN-7, Z-JOIN-8).
//
// It is pure and guesses nothing: what names no number, or two, is an error. A
// link may carry a passcode; whether it does is told, its value never is.
package invite

import (
	"cmp"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxSize is how much text Read takes. An invitation with phone numbers of every
// country has a few KiB.
const MaxSize = 64 << 10

// Kind is what was pasted.
type Kind string

// A number alone, a link alone, or a text with one of them in it.
const (
	KindNumber Kind = "number"
	KindLink   Kind = "link"
	KindText   Kind = "text"
)

// Page is where a link leads.
type Page string

// The app, the web client, which asks although the app is let in by the link
// (Z-JOIN-6), or the start of the meeting, which is the host's. PageNone: a number
// without a link.
const (
	PageNone  Page = ""
	PageApp   Page = "app"
	PageWeb   Page = "web_client"
	PageStart Page = "start"
)

// Carried says whether a link carries a passcode (pwd=).
type Carried string

// CarriedNone: there is no link. CarriedCut: the link names one and its value was
// cut off, by a calendar or a mail filter (Z-JOIN-6).
const (
	CarriedNone Carried = ""
	CarriedNo   Carried = "no"
	CarriedYes  Carried = "yes"
	CarriedCut  Carried = "cut_off"
)

// Invite is what was read. It holds no passcode.
type Invite struct {
	Kind   Kind  `json:"kind"`
	Number int64 `json:"-"`
	// Page and Passcode are those of the link, of the first one that names the
	// number where there are more.
	Page     Page    `json:"page,omitempty"`
	Passcode Carried `json:"carries_passcode,omitempty"`
}

// What is wrong with a text in which nothing else is found.
var (
	errNothing  = errors.New("nothing was given: want a meeting number, a link to a meeting, or an invitation")
	errTooLarge = fmt.Errorf("that is more than %d KiB: want a meeting number, a link to a meeting, or an invitation", MaxSize>>10)
	errNotText  = errors.New("that is not text: want a meeting number, a link to a meeting, or an invitation")
	errPersonal = errors.New("the link names no meeting number: a personal link (…/my/name) does not hold it; want …/j/<9 to 11 digits>")
	errLink     = errors.New("the link names no meeting number: want …/j/<9 to 11 digits> on zoom.us, zoom.com or zoomgov.com")
	errAddress  = errors.New("that is an e-mail address and names no meeting: `latchkey forecast` says what a host's next meetings come to; for one that is there, want its number, link or invitation")
	errText     = errors.New(`the text names no meeting number: want 9 to 11 digits alone, after "Meeting ID:", or in a link to the meeting`)
)

// Read reads what was pasted. Its errors hold digits at most that are a meeting
// number by their place and their length, and no other part of the text.
func Read(text string) (Invite, error) {
	if len(text) > MaxSize {
		return Invite{}, errTooLarge
	}
	text, ok := plain(text)
	switch {
	case !ok:
		return Invite{}, errNotText
	case text == "":
		return Invite{}, errNothing
	}
	var f found
	in := Invite{Kind: KindText}
	if strings.Trim(text, "0123456789 -#\n") == "" {
		in.Kind = KindNumber
		f.bare(text)
	} else {
		rest := f.links(text, 0)
		if strings.Trim(rest, " \n<>()[]\"'.,;") == "" && !strings.ContainsAny(text, " \n") {
			in.Kind = KindLink
		}
		f.labelled(rest)
	}
	switch {
	case len(f.numbers) == 1:
		in.Number, in.Page, in.Passcode = f.numbers[0], f.page, f.carried
		return in, nil
	case len(f.numbers) > 1:
		return Invite{}, fmt.Errorf("that names more than one meeting, %d and %d: want one", f.numbers[0], f.numbers[1])
	case f.problem != nil:
		return Invite{}, f.problem
	}
	if a, err := mail.ParseAddress(text); err == nil && a.Address == text {
		return Invite{}, errAddress
	}
	return Invite{}, cmp.Or(f.linkProblem, errText)
}

// found gathers what a text names.
type found struct {
	numbers []int64 // each once, in the order in which they were found
	page    Page
	carried Carried
	// problem is the first thing that stood where a number should and was none;
	// linkProblem that a link had no place for one.
	problem, linkProblem error
}

// add takes what stands in a number's place, after what it is called in an error.
func (f *found) add(what, digits string) bool {
	digits = strings.NewReplacer(" ", "", "-", "").Replace(digits)
	switch {
	case digits == "" || strings.Trim(digits, "0123456789") != "":
		return false
	case len(digits) < 9 || len(digits) > 11:
		f.problem = cmp.Or(f.problem, fmt.Errorf("%s has %d digits: want 9 to 11", what, len(digits)))
		return false
	case digits[0] == '0':
		f.problem = cmp.Or(f.problem, fmt.Errorf("%s begins with 0: want 9 to 11 digits", what))
		return false
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err == nil && !slices.Contains(f.numbers, n) {
		f.numbers = append(f.numbers, n)
	}
	return err == nil
}

// bare reads digits, spaces and dashes. Several numbers are several only where
// each stands in one piece.
func (f *found) bare(text string) {
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\n' || r == '#' })
	whole := func(s string) bool {
		s = strings.ReplaceAll(s, "-", "")
		return len(s) >= 9 && len(s) <= 11
	}
	if len(parts) < 2 || slices.ContainsFunc(parts, func(s string) bool { return !whole(s) }) {
		parts = []string{strings.Join(parts, "")}
	}
	for _, p := range parts {
		f.add("the meeting number", p)
	}
	f.problem = cmp.Or(f.problem, errText)
}

// plain makes characters of one kind the same: digits of other scripts and
// full-width letters, spaces (no-break ones too) and dashes; what is not seen, such
// as marks of direction, goes. It is false for what is not text.
func plain(text string) (string, bool) {
	if !utf8.ValidString(text) {
		return "", false
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' || r == '\u0085':
			b.WriteByte('\n')
		case unicode.IsSpace(r): // tabs and every width of space
			b.WriteByte(' ')
		case unicode.Is(unicode.Cf, r): // zero width, direction, soft hyphen
		case unicode.IsControl(r):
			return "", false
		case unicode.Is(unicode.Pd, r) && r < 0xff00 || r == '\u2212':
			b.WriteByte('-')
		case r >= 0xff01 && r <= 0xff5e: // full-width ASCII
			b.WriteByte(byte(r - 0xff01 + '!'))
		default:
			b.WriteRune(digit(r))
		}
	}
	return strings.TrimSpace(strings.ReplaceAll(b.String(), "&amp;", "&")), true
}

// digit turns a digit that a phone may write into 0 to 9.
func digit(r rune) rune {
	for _, zero := range []rune{'\u0660', '\u06f0', '\u0966'} { // Arabic, Persian, Devanagari
		if r >= zero && r <= zero+9 {
			return r - zero + '0'
		}
	}
	return r
}

var (
	// digitRun is a number as people write it.
	digitRun = regexp.MustCompile(`[0-9](?:[ -]{0,2}[0-9])*`)
	// oneTap is a line that a phone dials: the phone's number, then the meeting's.
	oneTap = regexp.MustCompile(`[0-9] ?,{2,}([0-9 -]+)#`)
	// label is what invitations call the number, in the languages that Zoom has:
	// nearly all of them say ID, and a few have a word of their own.
	label = regexp.MustCompile(`(?i)(?:^|[^\p{Latin}0-9])ID(?:[^\p{Latin}0-9]|$)|\bident\p{Latin}+|идентиф|ідентиф|kimli|会议号|會議號|معر[فّ]|מזהה|meeting (?:number|no\b)`)
)

// longestLabel bounds the words before a number that can be its label.
const longestLabel = 60

// labelled reads the numbers of a text without its links: those that a label
// stands before, and those that a phone dials. Any other may be a telephone number,
// or a passcode.
func (f *found) labelled(text string) {
	before := "" // the line before, where it has no digits
	for line := range strings.SplitSeq(text, "\n") {
		at := 0
		for _, run := range digitRun.FindAllStringIndex(line, -1) {
			words := line[at:run[0]]
			if at == 0 && strings.Trim(words, " :*|-") == "" {
				words = before
			}
			if isLabel(words) {
				f.add("the meeting number", line[run[0]:run[1]])
			}
			at = run[1]
		}
		if strings.TrimSpace(line) != "" {
			before = ""
			if at == 0 {
				before = line
			}
		}
	}
	for _, m := range oneTap.FindAllStringSubmatch(text, -1) {
		f.add("the number that is dialled", m[1])
	}
}

// isLabel says whether the last words of those before a number are its label.
func isLabel(words string) bool {
	words = strings.TrimRight(words, " :*_=|(")
	if i := strings.LastIndexAny(words, ".,;:|/!?+"); i >= 0 {
		words = words[i+1:]
	}
	return len(words) <= longestLabel && label.MatchString(words)
}

package invite

import (
	"cmp"
	"encoding/base64"
	"regexp"
	"strings"
)

// deepest is how many wrappings, each perhaps encoded, are taken off a link: a
// mail filter's around a search engine's is two.
const deepest = 5

var (
	// aLink is a link with a scheme, or one of Zoom's without.
	aLink = regexp.MustCompile(`(?i)(?:https?|zoommtg|zoomus)://[^\s<>"]+|(?:[a-z0-9-]+\.)*(?:zoom\.us|zoom\.com|zoomgov\.com)[/?][^\s<>"]+`)
	// encoded is the beginning of a link that is percent-encoded as a whole.
	encoded = regexp.MustCompile(`(?i)(?:https?|zoommtg|zoomus)%(?:25)*3a|zoom(?:gov)?\.(?:us|com)%(?:25)*2f`)

	zoomHost = regexp.MustCompile(`(?i)^(?:[a-z0-9-]+\.)*(?:zoom\.us|zoom\.com|zoomgov\.com)$`)
	// The places of a number in Zoom's links (Z-JOIN-7).
	appPath   = regexp.MustCompile(`(?i)^/[jw]/([0-9a-z-]*)`)
	startPath = regexp.MustCompile(`(?i)^/s/([0-9a-z-]*)|^/wc/([0-9a-z-]*)/start\b`)
	webPath   = regexp.MustCompile(`(?i)^/wc/join/([0-9a-z-]*)|^/wc/([0-9][0-9a-z-]*)`)
	personal  = regexp.MustCompile(`(?i)^/my/`)
	confno    = regexp.MustCompile(`(?i)[?&]confno=([0-9a-z-]*)`)
	starting  = regexp.MustCompile(`(?i)^/?start\b|[?&]action=start\b`)
	// secretLast ends in the value of a pwd=, into which nobody looks.
	secretLast = regexp.MustCompile(`(?i)[?&]pwd=[^&#]*$`)
	pwd        = regexp.MustCompile(`(?i)[?&]pwd(?:=([^&#\s]*)|$)`)
)

// links reads the links of a text and returns the text without them.
func (f *found) links(text string, depth int) string {
	if depth > deepest {
		return ""
	}
	var rest strings.Builder
	at := 0
	for _, m := range aLink.FindAllStringIndex(text, -1) {
		if m[0] < at || !begins(text, m[0]) {
			continue
		}
		rest.WriteString(text[at:m[0]])
		rest.WriteByte('\n') // what stood on both sides of it is not one line
		f.link(text[m[0]:m[1]], depth)
		at = m[1]
	}
	rest.WriteString(text[at:])
	left := rest.String()
	if encoded.MatchString(left) {
		return f.links(unescape(left), depth+1)
	}
	return left
}

// begins says whether a link can begin there: notzoom.us is not zoom.us.
func begins(text string, at int) bool {
	if at == 0 {
		return true
	}
	c := text[at-1]
	return c != '.' && c != '-' && c != '@' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
}

// link reads one link, or what is wrapped in it.
func (f *found) link(link string, depth int) {
	scheme, rest, has := strings.Cut(link, "://")
	if !has || strings.ContainsAny(scheme, "/?.") { // zoom.us/j/… that has a link in it
		scheme, rest = "", link
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, rest := rest[:end], rest[end:]
	if strings.Contains(host, "%") {
		f.links(unescape(link), depth+1)
		return
	}
	host = host[strings.LastIndex(host, "@")+1:]
	host, _, _ = strings.Cut(host, ":")
	host = strings.TrimRight(host, ".")
	app := strings.EqualFold(scheme, "zoommtg") || strings.EqualFold(scheme, "zoomus")
	if (app || zoomHost.MatchString(host)) && f.zoom(rest) {
		return
	}
	f.unwrap(strings.ToLower(host), rest, depth+1)
	f.linkProblem = cmp.Or(f.linkProblem, errLink)
}

// unwrap reads the links within a link that is not one of Zoom's: of a mail
// filter, a search engine, a page that one must sign in at first.
func (f *found) unwrap(host, rest string, depth int) {
	if strings.Contains(host, "urldefense.") || strings.HasSuffix(host, ".proofpoint.com") {
		f.links(urldefense(rest), depth)
		return
	}
	known := len(f.numbers)
	if i := strings.Index(rest, "://"); i > 0 && !secretLast.MatchString(rest[:i]) {
		f.links(rest[1:], depth) // as it is: its own ? and & are not the wrapper's
	}
	if len(f.numbers) > known {
		return
	}
	for _, part := range strings.FieldsFunc(rest, func(r rune) bool { return r == '?' || r == '&' || r == '#' }) {
		if !secretLast.MatchString("?" + part) {
			f.links(unescape(part), depth)
		}
	}
}

// zoom reads a link of Zoom's from its path on; false when it is of no form that
// has a number.
func (f *found) zoom(rest string) bool {
	// People paste what a page or a mail encoded, once or twice.
	for range 2 {
		rest = unescape(rest)
	}
	path, _, _ := strings.Cut(rest, "#")
	if m := startPath.FindStringSubmatch(path); m != nil {
		f.linked(PageStart, cmp.Or(m[1], m[2]), path)
		return true
	}
	if m := appPath.FindStringSubmatch(path); m != nil {
		f.linked(PageApp, m[1], path)
		return true
	}
	if m := confno.FindStringSubmatch(path); m != nil {
		page := PageApp
		switch {
		case starting.MatchString(path):
			page = PageStart
		case strings.HasPrefix(path, "/wc/"):
			page = PageWeb
		}
		f.linked(page, m[1], path)
		return true
	}
	if m := webPath.FindStringSubmatch(path); m != nil {
		f.linked(PageWeb, cmp.Or(m[1], m[2]), path)
		return true
	}
	if personal.MatchString(path) {
		f.linkProblem = errPersonal
		return true
	}
	return false
}

// linked takes the number of a link; the first one that has one says where it
// leads, and whether it carries a passcode.
func (f *found) linked(page Page, number, path string) {
	if !f.add("the link's meeting number", number) {
		f.linkProblem = cmp.Or(f.linkProblem, errLink)
		return
	}
	if f.page == PageNone {
		f.page, f.carried = page, carries(path)
	}
}

// carries says whether a link has a passcode, and never which.
func carries(path string) Carried {
	m := pwd.FindStringSubmatch(path)
	if m == nil {
		return CarriedNo
	}
	value := strings.TrimRight(m[1], ",;:!?)]}'*_")
	// Pages shorten long links for the eye, and the copy has the dots.
	if strings.Trim(value, ".…") == "" || strings.HasSuffix(value, "…") || strings.HasSuffix(value, "...") {
		return CarriedCut
	}
	return CarriedYes
}

// unescape decodes percent-encoding, once. What is no encoding stays, since half
// of a link is worth reading, too.
func unescape(s string) string { return hexed(s, '%') }

// hexed decodes bytes that are written as a mark and two digits.
func hexed(s string, mark byte) string {
	if strings.IndexByte(s, mark) < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == mark && i+2 < len(s) {
			hi, lo := nibble(s[i+1]), nibble(s[i+2])
			if hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return strings.ToValidUTF8(string(out), "?")
}

// nibble is the value of a hexadecimal digit; -1 for none.
func nibble(c byte) int { return strings.IndexByte("0123456789abcdef0123456789ABCDEF", c) % 16 }

var (
	defendedV3 = regexp.MustCompile(`(?i)^/v3/__(.*?)__;([A-Za-z0-9_-]*)`)
	defendedV2 = regexp.MustCompile(`(?i)[?&]u=([^&#]*)`)
)

// urldefense takes the link out of one that a mail filter of Proofpoint made.
// Version 2 writes a dash for the percent sign and an underscore for the slash;
// version 3 leaves the link, with an asterisk for what it does not like, and keeps
// that in base64 behind it.
func urldefense(rest string) string {
	if m := defendedV3.FindStringSubmatch(rest); m != nil {
		kept, _ := base64.RawURLEncoding.DecodeString(m[2])
		return restored(m[1], kept)
	}
	if m := defendedV2.FindStringSubmatch(rest); m != nil {
		return hexed(strings.ReplaceAll(m[1], "_", "/"), '-')
	}
	return unescape(rest)
}

// restored puts back what version 3 took out: one byte for an asterisk, or a run
// of them for two asterisks and a letter, A for two.
func restored(link string, kept []byte) string {
	const runs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	var out []byte
	for i := 0; i < len(link); i++ {
		n := 1
		switch {
		case link[i] != '*' || len(kept) == 0:
			out = append(out, link[i])
			continue
		case i+2 < len(link) && link[i+1] == '*' && strings.IndexByte(runs, link[i+2]) >= 0:
			n = 2 + strings.IndexByte(runs, link[i+2])
			i += 2
		}
		n = min(n, len(kept))
		out, kept = append(out, kept[:n]...), kept[n:]
	}
	return strings.ToValidUTF8(string(out), "?")
}

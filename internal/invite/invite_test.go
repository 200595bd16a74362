package invite

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

const secret = "aGVsbG8gd29ybGQ.1"

// TestNumber: a number as people write it.
func TestNumber(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"alone":               "85746065432",
		"in groups":           "857 4606 5432",
		"with dashes":         "857-4606-5432",
		"with long dashes":    "857–4606—5432",
		"no-break spaces":     "857\u00a04606\u202f5432",
		"an ideographic one":  "857\u30004606\u30005432",
		"full-width digits":   "８５７　４６０６　５４３２",
		"Arabic digits":       "٨٥٧ ٤٦٠٦ ٥٤٣٢",
		"marks of direction":  "\u202a857 4606 5432\u202c",
		"a byte order mark":   "\ufeff85746065432",
		"as a phone wants it": "857 4606 5432#",
		"lines around it":     "\r\n  85746065432 \r\n",
		"twice":               "85746065432\n85746065432",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if in, err := Read(text); err != nil || in != (Invite{Kind: KindNumber, Number: 85746065432}) {
				t.Errorf("%+v, %v", in, err)
			}
		})
	}
}

// TestLink: every form of a link, and what is wrapped around it.
func TestLink(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text    string
		page    Page
		carried Carried
	}{
		"the app":                   {"https://zoom.us/j/85746065432", PageApp, CarriedNo},
		"with a passcode":           {"https://us02web.zoom.us/j/85746065432?pwd=" + secret, PageApp, CarriedYes},
		"and a fragment":            {"https://us02web.zoom.us/j/85746065432?pwd=" + secret + "#success", PageApp, CarriedYes},
		"a fragment alone":          {"https://zoom.us/j/85746065432#success", PageApp, CarriedNo},
		"cut off":                   {"https://zoom.us/j/85746065432?pwd=", PageApp, CarriedCut},
		"cut off before the sign":   {"https://zoom.us/j/85746065432?pwd", PageApp, CarriedCut},
		"shortened for the eye":     {"https://zoom.us/j/85746065432?pwd=aGVsbG8...", PageApp, CarriedCut},
		"shortened to nothing":      {"https://zoom.us/j/85746065432?pwd=…", PageApp, CarriedCut},
		"cut off, then more":        {"https://zoom.us/j/85746065432?pwd=&from=addon", PageApp, CarriedCut},
		"passcode second":           {"https://zoom.us/j/85746065432?from=addon&pwd=" + secret, PageApp, CarriedYes},
		"another parameter":         {"https://zoom.us/j/85746065432?xpwd=1&from=addon", PageApp, CarriedNo},
		"an ampersand of HTML":      {"https://zoom.us/j/85746065432?from=addon&amp;pwd=" + secret, PageApp, CarriedYes},
		"zoom.com":                  {"https://zoom.com/j/85746065432", PageApp, CarriedNo},
		"the government's":          {"https://www.zoomgov.com/j/85746065432", PageApp, CarriedNo},
		"a vanity host":             {"https://acme.zoom.us/j/85746065432", PageApp, CarriedNo},
		"a port":                    {"https://zoom.us:443/j/85746065432", PageApp, CarriedNo},
		"capitals":                  {"HTTPS://ZOOM.US/J/85746065432?PWD=x", PageApp, CarriedYes},
		"without a scheme":          {"zoom.us/j/85746065432/", PageApp, CarriedNo},
		"full-width":                {"ｈｔｔｐｓ：／／ｚｏｏｍ．ｕｓ／ｊ／８５７４６０６５４３２", PageApp, CarriedNo},
		"dashes in it":              {"https://zoom.us/j/857-4606-5432", PageApp, CarriedNo},
		"a registrant's":            {"https://zoom.us/w/85746065432?tk=abc&pwd=" + secret, PageApp, CarriedYes},
		"the start":                 {"https://zoom.us/s/85746065432?zak=" + secret, PageStart, CarriedNo},
		"the start in the browser":  {"https://app.zoom.us/wc/85746065432/start", PageStart, CarriedNo},
		"web client, join last":     {"https://app.zoom.us/wc/85746065432/join?fromPWA=1&pwd=" + secret, PageWeb, CarriedYes},
		"web client, join first":    {"https://zoom.us/wc/join/85746065432", PageWeb, CarriedNo},
		"web client, neither":       {"https://zoom.us/wc/85746065432", PageWeb, CarriedNo},
		"web client, as parameter":  {"https://zoom.us/wc/join?confno=85746065432", PageWeb, CarriedNo},
		"zoommtg":                   {"zoommtg://zoom.us/join?action=join&confno=85746065432&pwd=" + secret, PageApp, CarriedYes},
		"zoommtg, start":            {"zoommtg://zoom.us/start?confno=85746065432", PageStart, CarriedNo},
		"zoommtg, action=start":     {"zoommtg://zoom.us/join?action=start&confno=85746065432", PageStart, CarriedNo},
		"zoomus":                    {"zoomus://acme.zoom.us/join?confno=85746065432&pwd=", PageApp, CarriedCut},
		"confno on the web":         {"https://zoom.us/j?confno=85746065432", PageApp, CarriedNo},
		"angle brackets":            {"<https://zoom.us/j/85746065432?pwd=" + secret + ">", PageApp, CarriedYes},
		"a full stop":               {"https://zoom.us/j/85746065432.", PageApp, CarriedNo},
		"encoded":                   {"https%3A%2F%2Fzoom.us%2Fj%2F85746065432%3Fpwd%3D" + secret, PageApp, CarriedYes},
		"encoded twice":             {"https%253A%252F%252Fzoom.us%252Fj%252F85746065432%253Fpwd%253D" + secret, PageApp, CarriedYes},
		"encoded in part":           {"https://zoom.us/j/85746065432%3Fpwd%3D" + secret, PageApp, CarriedYes},
		"encoded after the host":    {"https://zoom.us%2Fj%2F85746065432%3Fpwd%3D" + secret, PageApp, CarriedYes},
		"encoded before the host":   {"https%3A%2F%2Fzoom.us/j/85746065432", PageApp, CarriedNo},
		"Outlook's safe links":      {"https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fus02web.zoom.us%2Fj%2F85746065432%3Fpwd%3D" + secret + "&data=05%7C01%7C&sdata=x%3D&reserved=0", PageApp, CarriedYes},
		"safe links of a cut one":   {"https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fus02web.zoom.us%2Fj%2F85746065432%3Fpwd%3D&data=05%7C01", PageApp, CarriedCut},
		"safe links of Google's":    {"https://nam02.safelinks.protection.outlook.com/?url=https%3A%2F%2Fwww.google.com%2Furl%3Fq%3Dhttps%253A%252F%252Fzoom.us%252Fj%252F85746065432%253Fpwd%253D" + secret + "%26sa%3DD&data=x", PageApp, CarriedYes},
		"Google's":                  {"https://www.google.com/url?q=https://zoom.us/j/85746065432?pwd%3D" + secret + "&sa=D&source=calendar&usg=x", PageApp, CarriedYes},
		"Google's, encoded":         {"https://www.google.com/url?sa=D&q=https%3A%2F%2Fzoom.us%2Fj%2F85746065432", PageApp, CarriedNo},
		"Facebook's":                {"https://l.facebook.com/l.php?u=https%3A%2F%2Fzoom.us%2Fj%2F85746065432%3Fpwd%3D" + secret + "%26fbclid%3Dx&h=AT0", PageApp, CarriedYes},
		"urldefense v2":             {"https://urldefense.proofpoint.com/v2/url?u=https-3A__us02web.zoom.us_j_85746065432-3Fpwd-3D" + secret + "&d=DwMFaQ&c=x", PageApp, CarriedYes},
		"urldefense v2, none":       {"https://urldefense.proofpoint.com/v2/url?u=https-3A__zoom.us_wc_join_85746065432&d=DwMFaQ", PageWeb, CarriedNo},
		"urldefense v3":             {"https://urldefense.com/v3/__https://us02web.zoom.us/j/85746065432?pwd=" + secret + "__;!!Mih3wA!x$", PageApp, CarriedYes},
		"urldefense v3, put back":   {"https://urldefense.com/v3/__https:/*zoom.us/j/85746065432*success__;LyM!!Mih3wA!x$", PageApp, CarriedNo},
		"urldefense v3, a run":      {"https://urldefense.com/v3/__https:**Azoom.us/j/85746065432__;Ly8!!Mih3wA!x$", PageApp, CarriedNo},
		"a filter that uses paths":  {"https://secure-web.cisco.com/1abc-xyz/https%3A%2F%2Fzoom.us%2Fj%2F85746065432%3Fpwd%3D" + secret, PageApp, CarriedYes},
		"a raw and an encoded one":  {"https://filter.example/?url=https%3A%2F%2Fzoom.us%2Fj%2F85746065432&help=https://filter.example/help", PageApp, CarriedNo},
		"to sign in first":          {"https://acme.zoom.us/signin?redirect=https%3A%2F%2Facme.zoom.us%2Fj%2F85746065432", PageApp, CarriedNo},
		"a passcode that is a link": {"https://zoom.us/j/85746065432?pwd=https://zoom.us/j/999999999", PageApp, CarriedYes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if in, err := Read(c.text); err != nil || in != (Invite{KindLink, 85746065432, c.page, c.carried}) {
				t.Errorf("%+v, %v; want page %s, passcode %s", in, err, c.page, c.carried)
			}
		})
	}
}

// TestText: invitations as Zoom and people write them, testdata/*.txt: the first
// line of each says what is to be read.
func TestText(t *testing.T) {
	t.Parallel()
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) < 12 {
		t.Fatalf("%d invitations", len(files))
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			first, text, _ := strings.Cut(string(raw), "\n")
			want := strings.Fields(first)
			in, err := Read(text)
			if got := string(in.Page) + " " + string(in.Passcode); err != nil || in.Number != 85746065432 || in.Kind != KindText || strings.Join(want, " ") != strings.TrimSpace(got) {
				t.Errorf("%+v, %v; want %q", in, err, want)
			}
		})
	}
}

// TestReadRefuses: nothing is guessed, and what was pasted is not told again.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	utf16Text := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune("https://zoom.us/j/85746065432")) {
		utf16Text = append(utf16Text, byte(u), byte(u>>8))
	}
	deep := "https://zoom.us/j/85746065432"
	for range deepest + 1 {
		deep = "https://a.example/?u=" + url.QueryEscape(deep)
	}
	for name, c := range map[string]struct{ text, says string }{
		"nothing":                         {"", "nothing was given"},
		"nothing to be seen":              {" \u200b\r\n\t", "nothing was given"},
		"a dash":                          {"-", "names no meeting number"},
		"two digits":                      {"12", "the meeting number has 2 digits: want 9 to 11"},
		"8 digits":                        {"8574 6065", "has 8 digits: want 9 to 11"},
		"12 digits":                       {"857 4606 54321", "has 12 digits: want 9 to 11"},
		"a zero first":                    {"012 345 6789", "begins with 0"},
		"a label far from it":             {"Bring your ID card when you come up to the office on the third floor of 030 1234 5678", "the text names no meeting number"},
		"a label of another sentence":     {"Show your ID. My telephone is 030 1234 5678", "the text names no meeting number"},
		"a label a line up, a second run": {"Meeting ID\n12 | 1234567890", "has 2 digits"},
		"a label two lines up":            {"Meeting ID\nroom 5\n1234567890", "the text names no meeting number"},
		"a letter in it":                  {"8574606543x", "the text names no meeting number"},
		"a telephone number":              {"+1 646 558 8656", "the text names no meeting number"},
		"a host's address":                {"amy@example.com", "`latchkey forecast` says what a host's next meetings come to"},
		"an address among words":          {"ask amy@example.com", "the text names no meeting number"},
		"words":                           {"where is my meeting?", "the text names no meeting number"},
		"a number without a label":        {"Call 030 1234 5678 or say 1234567890", "the text names no meeting number"},
		"two numbers":                     {"85746065432 85746065433", "more than one meeting, 85746065432 and 85746065433"},
		"two links":                       {"https://zoom.us/j/85746065432 https://zoom.us/j/857460654", "more than one meeting, 85746065432 and 857460654:"},
		"a link and another number":       {"https://zoom.us/j/85746065432?pwd=" + secret + "\nMeeting ID: 857 4606 5433", "more than one meeting, 85746065432 and 85746065433"},
		"a label and another dialled":     {"Meeting ID: 857 4606 5432\n+16465588656,,85746065433#", "more than one meeting, 85746065432 and 85746065433"},
		"a label with 8 digits":           {"Meeting ID: 8574 6065", "has 8 digits"},
		"a personal link":                 {"https://zoom.us/my/somebody?pwd=" + secret, "a personal link (…/my/name) does not hold it"},
		"a personal link of digits":       {"https://zoom.us/my/85746065432", "a personal link (…/my/name) does not hold it"},
		"a link of no meeting":            {"https://zoom.us/u/abcdef", "the link names no meeting number"},
		"a link that ends":                {"https://zoom.us/j/", "the link names no meeting number"},
		"a link with 8 digits":            {"https://zoom.us/j/12345678?pwd=" + secret, "the link's meeting number has 8 digits"},
		"a link with 12 digits":           {"https://zoom.us/j/857460654321", "the link's meeting number has 12 digits"},
		"a link with a letter":            {"https://zoom.us/j/8574606543x", "the link names no meeting number"},
		"a link of nobody":                {"https://example.com/85746065432", "the link names no meeting number"},
		"a link that looks like Zoom's":   {"https://zoom.us.example.com/j/85746065432", "the link names no meeting number"},
		"a host that ends like it":        {"https://notzoom.us/j/85746065432", "the link names no meeting number"},
		"the same without a scheme":       {"notzoom.us/j/85746065432", "the text names no meeting number"},
		"a filter that hides it":          {"https://protect.mimecast.com/s/abcDEF123?domain=zoom.us", "the link names no meeting number"},
		"a number in a passcode":          {"https://example.com/?pwd=https://zoom.us/j/85746065432", "the link names no meeting number"},
		"wrapped too deep":                {deep, "the link names no meeting number"},
		"junk":                            {"\x89PNG\r\n\x1a\n\x00\x00", "that is not text"},
		"bytes that are no characters":    {"https://zoom.us/j/85746065432\xff\xfe", "that is not text"},
		"a control character":             {"https://zoom.us/j/85746065432\x1b[0m", "that is not text"},
		"another encoding":                {string(utf16Text), "that is not text"},
		"too much":                        {strings.Repeat(" ", MaxSize) + "85746065432", "more than 64 KiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := Read(c.text)
			if err == nil || in != (Invite{}) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "Vsb") {
				t.Errorf("%+v, %v; want %q", in, err, c.says)
			}
		})
	}
	if in, err := Read(strings.Repeat(" ", MaxSize-11) + "85746065432"); err != nil || in.Number != 85746065432 {
		t.Errorf("as much as is allowed: %+v, %v", in, err)
	}
}

// TestReadIsFast: no text of the allowed size keeps anybody waiting.
func TestReadIsFast(t *testing.T) {
	t.Parallel()
	for _, piece := range []string{"https://a/?u=", "https%3A%2F%2Fa%3F", "zoom.us/", "ID 1 ", "%25", "9", ",,9#", "https://a?b&", "/*", "https://urldefense.com/v3/__*__;AA "} {
		text := strings.Repeat(piece, MaxSize/len(piece))
		began := time.Now()
		_, _ = Read(text)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%d times %q took %s", MaxSize/len(piece), piece, took)
		}
	}
}

// FuzzRead: nothing panics; a number that is read has 9 to 11 digits; an error
// says no word of the text, and a text that reads reads so with spaces around it.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"857 4606 5432", "https://zoom.us/j/85746065432?pwd=x", "https%3A%2F%2Fzoom.us%2Fwc%2Fjoin%2F857460654", "zoommtg://zoom.us/start?confno=857460654",
		"https://urldefense.com/v3/__https:**Azoom.us/j/85746065432__;Ly8!!x", "https://urldefense.proofpoint.com/v2/url?u=https-3A__zoom.us_j_857460654-3Fpwd-3Dx&d=x",
		"Meeting ID: 857 4606 5432\nPasscode: 123456\n+16465588656,,85746065432#", "ミーティング ID: ８５７ ４６０６ ５４３２", "https://a.example/?url=https%3A%2F%2Fzoom.us%2Fs%2F857460654", "\xff"} {
		f.Add(s)
	}
	// What no error of Read says, so that it can only be the text's.
	const marker = "q0J7xZ"
	f.Fuzz(func(t *testing.T, s string) {
		in, err := Read(s)
		switch {
		case err != nil && in != (Invite{}):
			t.Errorf("%+v and %v", in, err)
		case err == nil && (in.Number < 1e8 || in.Number >= 1e11):
			t.Errorf("%d", in.Number)
		case err == nil && (in.Page == PageNone) != (in.Passcode == CarriedNone):
			t.Errorf("page %q, passcode %q", in.Page, in.Passcode)
		}
		if err == nil && len(s) < MaxSize-2 {
			if again, err := Read(" " + s + "\n"); err != nil || again != in {
				t.Errorf("%+v, with space around it %+v, %v", in, again, err)
			}
		}
		for _, text := range []string{s + "?pwd=" + marker, strings.ReplaceAll(s, "x", marker)} {
			if _, err := Read(text); err != nil && strings.Contains(err.Error(), marker) {
				t.Errorf("%v", err)
			}
		}
	})
}

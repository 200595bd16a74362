package main

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// narrowest is below what nothing is wrapped: no terminal is so narrow for long.
const narrowest = 40

// wrapped writes what f does; on a terminal long lines are broken between words, and what
// follows stands under the text that it belongs to. Elsewhere, lines are as they are.
func wrapped(out io.Writer, f func(io.Writer) error) error {
	file, isFile := out.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return f(out)
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil || width < narrowest {
		return f(out)
	}
	var b bytes.Buffer
	ferr := f(&b)
	if _, err := io.WriteString(out, wrap(b.String(), width)); err != nil {
		return err
	}
	return ferr
}

// label is what stands before the text of a line: spaces, and perhaps a word and the spaces
// up to the text.
var label = regexp.MustCompile(`^ *(?:[a-z]+ {2,})?`)

// wrap breaks lines longer than width between words; a word that is longer stays whole, to
// be copied.
func wrap(text string, width int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line, more := strings.CutSuffix(line, "\n")
		end := ""
		if more {
			end = "\n"
		}
		if utf8.RuneCountInString(line) <= width {
			b.WriteString(line + end)
			continue
		}
		head := label.FindString(line)
		indent := strings.Repeat(" ", min(utf8.RuneCountInString(head), width/2))
		b.WriteString(head)
		at := utf8.RuneCountInString(head)
		for i, word := range strings.Fields(line[len(head):]) {
			n := utf8.RuneCountInString(word)
			switch {
			case i == 0:
			case at+1+n > width:
				b.WriteString("\n" + indent)
				at = len(indent)
			default:
				b.WriteByte(' ')
				at++
			}
			b.WriteString(word)
			at += n
		}
		b.WriteString(end)
	}
	return b.String()
}

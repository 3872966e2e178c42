package importer

import (
	"bufio"
	"errors"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// lines reads a text file of any encoding that spreadsheets write as UTF-8 with a line
// feed behind each line.
type lines struct {
	file    *os.File
	in      *bufio.Reader
	rest    []byte
	line    int
	odd     []int // lines that were no UTF-8, the first of them
	oddOnes int
	err     error
}

func openLines(path string) (*lines, error) {
	f, err := os.Open(path) //nolint:gosec // the operator says which file
	if err != nil {
		return nil, err
	}
	l := &lines{file: f, in: bufio.NewReaderSize(f, 1<<16)}
	head, err := l.in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, f.Close())
	}
	at := func(i int) int {
		if i < len(head) {
			return int(head[i])
		}
		return -1
	}
	wide := func(e unicode.Endianness) {
		l.in = bufio.NewReaderSize(unicode.UTF16(e, unicode.UseBOM).NewDecoder().Reader(l.in), 1<<16)
	}
	switch {
	case at(0) == 0xff && at(1) == 0xfe, at(1) == 0 && at(0) > 0:
		wide(unicode.LittleEndian)
	case at(0) == 0xfe && at(1) == 0xff, at(0) == 0 && at(1) > 0:
		wide(unicode.BigEndian)
	case at(0) == 0xef && at(1) == 0xbb && at(2) == 0xbf:
		_, _ = l.in.Discard(3)
	}
	return l, nil
}

func (l *lines) Close() error { return l.file.Close() }

// Read implements io.Reader.
func (l *lines) Read(p []byte) (int, error) {
	if len(l.rest) == 0 && l.err == nil {
		l.next()
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	if n == 0 {
		return 0, l.err
	}
	return n, nil
}

// next reads a line that ends in LF, CRLF or CR.
func (l *lines) next() {
	var line []byte
	for {
		b, err := l.in.ReadByte()
		if err != nil {
			l.err = err
			break
		}
		if b == '\r' {
			if after, err := l.in.Peek(1); err == nil && after[0] == '\n' {
				_, _ = l.in.Discard(1)
			}
			b = '\n'
		}
		line = append(line, b)
		if b == '\n' {
			break
		}
	}
	if len(line) == 0 {
		return
	}
	l.line++
	if !utf8.Valid(line) {
		if l.oddOnes++; len(l.odd) < maxExamples {
			l.odd = append(l.odd, l.line)
		}
		if decoded, err := charmap.Windows1252.NewDecoder().Bytes(line); err == nil {
			line = decoded
		}
	}
	l.rest = line
}

// faults names the lines that were no UTF-8.
func (l *lines) faults() []Fault {
	var out []Fault
	for i := range l.oddOnes {
		f := Fault{Reason: "line that is not UTF-8: read as Latin-1 (Windows-1252)"}
		if i < len(l.odd) {
			f.Line = l.odd[i]
		}
		out = append(out, f)
	}
	return out
}

package importer

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// records reads CSV line by line. A quote that is never closed costs the line that it
// is in: encoding/csv would take all lines up to the next quote for its field.
type records struct {
	in    *bufio.Reader
	comma rune
	lazy  bool // take quotes that are not doubled, in a line of their own
	line  int  // where the record began that was read last
	last  int  // the line that was read last
	back  []string
}

// A record is at most so long; beyond that a quote was not closed.
const (
	maxRecordLines = 200
	maxRecordBytes = 256 << 10
)

// brokenLine is a line that is no record.
type brokenLine struct {
	line   int
	reason string
}

func (e *brokenLine) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.reason) }

func (r *records) next() (string, error) {
	if len(r.back) > 0 {
		line := r.back[0]
		r.back, r.last = r.back[1:], r.last+1
		return line, nil
	}
	line, err := r.in.ReadString('\n')
	if line == "" && err != nil {
		return "", err
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	r.last++
	return line, nil
}

// read returns the next record. misshapen says what is wrong with the fields, if
// anything is.
func (r *records) read(misshapen func(fields []string) string) ([]string, error) {
	record, err := r.next()
	for err == nil && strings.TrimSpace(record) == "" {
		record, err = r.next()
	}
	if err != nil {
		return nil, err
	}
	r.line = r.last
	var more []string
	first := record
	fields, broken := r.parse(record, false)
	for broken != nil && r.open(record) && len(more) < maxRecordLines && len(record) < maxRecordBytes {
		line, err := r.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		more, record = append(more, line), record+line
		fields, broken = r.parse(record, false)
	}
	reason := ""
	if broken == nil && misshapen != nil {
		reason = misshapen(fields)
	}
	if len(more) > 0 && (broken != nil || reason != "") { // they may be records themselves
		r.back = append(more, r.back...)
		r.last -= len(more)
	}
	if broken != nil && r.lazy {
		if fields, broken = r.parse(first, true); broken == nil && misshapen != nil {
			reason = misshapen(fields)
		}
	}
	if broken != nil {
		reason = "line that is no CSV: " + broken.Error()
	}
	if reason != "" {
		return nil, &brokenLine{r.line, reason}
	}
	return fields, nil
}

func (r *records) parse(record string, lazy bool) ([]string, error) {
	if !strings.Contains(record, `"`) {
		return strings.Split(strings.TrimSuffix(record, "\n"), string(r.comma)), nil
	}
	in := csv.NewReader(strings.NewReader(record))
	in.Comma, in.FieldsPerRecord, in.LazyQuotes = r.comma, -1, lazy
	fields, err := in.Read()
	if parse, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, parse.Err
	}
	return fields, err
}

// open reports whether a quoted field of the record goes on in the next line.
func (r *records) open(record string) bool {
	for rest := record; ; {
		if !strings.HasPrefix(rest, `"`) {
			_, after, another := strings.Cut(rest, string(r.comma))
			if !another {
				return false
			}
			rest = after
			continue
		}
		rest = rest[1:]
		for {
			i := strings.IndexByte(rest, '"')
			if i < 0 {
				return true
			}
			rest = rest[i+1:]
			if !strings.HasPrefix(rest, `"`) {
				break
			}
			rest = rest[1:]
		}
		after, another := strings.CutPrefix(rest, string(r.comma))
		if !another {
			return false // the end of the record, or no CSV
		}
		rest = after
	}
}

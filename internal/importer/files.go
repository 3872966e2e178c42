package importer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// isExport reports whether a source is a file or folder instead of a database.
func isExport(source string) bool {
	return !strings.Contains(source, "://") && !strings.HasPrefix(source, "file:") && !strings.HasPrefix(source, "sqlite:") && !isSQLite(source)
}

// openFile reads an export. All of it is read before anything is imported.
func openFile(ctx context.Context, system, source string, settings Settings) (Source, error) {
	s, err := newSpool(ctx, settings)
	if err != nil {
		return nil, err
	}
	var src Source = s
	switch _, tables := systems[system]; {
	case tables:
		src, err = openMongo(ctx, s, system, source)
	default:
		err = s.fill(ctx, system, source)
	}
	if err == nil {
		err = s.filled(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return src, nil
}

func (s *spool) fill(ctx context.Context, system, path string) error {
	l, err := openLines(path)
	if err != nil {
		return fmt.Errorf("--source: %w", err)
	}
	defer func() { _ = l.Close() }() // it was only read
	in := bufio.NewReaderSize(l, 1<<16)
	head, _ := in.Peek(1 << 12)
	head = bytes.TrimSpace(head)
	isJSON := len(head) > 0 && (head[0] == '{' || head[0] == '[')
	objects := func(person func(m map[string]any) Person) error {
		return eachObject(in, func(line int, m map[string]any, broken error) error {
			if broken != nil {
				s.found = append(s.found, Fault{Skipped: true, Reason: "entry that is no JSON object", Line: line})
				return nil //nolint:nilerr // the fault is reported
			}
			p := person(m)
			p.Line = line
			for _, path := range s.settings.Metadata {
				p.app(path, lookUp(m, path))
			}
			return s.add(ctx, p)
		})
	}
	switch {
	case system == CSV:
		err = fromCSV(ctx, s, in, s.csvPerson)
	case system == Clerk && isJSON:
		err = objects(s.clerkPerson)
	case system == Clerk:
		err = fromCSV(ctx, s, in, s.clerkRow)
	case system == Auth0 && isJSON:
		err = objects(s.auth0Person)
	case system == Auth0:
		err = fromCSV(ctx, s, in, s.auth0Row)
	case system == Firebase && isJSON:
		err = objects(s.firebasePerson)
	default:
		err = s.firebaseCSV(ctx, in)
	}
	s.found = append(s.found, l.faults()...)
	return err
}

// wrapper is an export that is one object with the list of users in it.
var wrapper = regexp.MustCompile(`^\s*\{\s*"(?:users|data)"\s*:\s*\[`)

// eachObject calls do with every object of a list, of a list in {"users": ...} or
// {"data": ...}, or of a file with an object a line. In the last, what is no object is
// passed as broken.
func eachObject(in *bufio.Reader, do func(line int, m map[string]any, broken error) error) error {
	head, _ := in.Peek(1 << 12)
	first, _, _ := bytes.Cut(bytes.TrimSpace(head), []byte("\n"))
	whole := wrapper.Find(head)
	if whole == nil && len(first) > 0 && first[0] == '{' && (json.Valid(first) || len(first) > 1<<11) {
		return eachLine(in, do)
	}
	if whole != nil {
		_, _ = in.Discard(len(whole) - 1)
	}
	dec := json.NewDecoder(in)
	if len(first) > 0 && (first[0] == '[' || whole != nil) {
		if _, err := dec.Token(); err != nil {
			return fmt.Errorf("--source: %w", err)
		}
	}
	for n := 1; dec.More(); n++ {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return fmt.Errorf("--source: object %d: %w", n, err)
		}
		m, broken := decodeObject(raw)
		if err := do(0, m, broken); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("--source: the list does not end: %w", err)
	}
	return nil
}

func eachLine(in *bufio.Reader, do func(line int, m map[string]any, broken error) error) error {
	for n := 1; ; n++ {
		raw, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(raw)) > 0 {
			m, broken := decodeObject(raw)
			if err := do(n, m, broken); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("--source: %w", err)
		}
	}
}

var errNoObject = errors.New("no object")

// decodeJSON decodes a value. Numbers keep all their digits: some exports write account
// ids as numbers.
func decodeJSON(raw []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errNoObject
	}
	return v, nil
}

func decodeObject(raw []byte) (map[string]any, error) {
	v, err := decodeJSON(raw)
	m, ok := v.(map[string]any)
	if err == nil && !ok {
		err = errNoObject
	}
	return m, err
}

// lookUp finds a value by a path such as public_metadata.plan; nil for none.
func lookUp(m map[string]any, path string) any {
	if v, ok := m[path]; ok {
		return v
	}
	first, rest, deeper := strings.Cut(path, ".")
	inner, ok := m[first].(map[string]any)
	if !deeper || !ok {
		return nil
	}
	return lookUp(inner, rest)
}

package config

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing wrong with one variable. It never holds a secret value.
type Problem struct {
	Variable string
	Message  string // what is wrong and how to fix it
}

// Error lists all problems of a configuration.
type Error struct{ Problems []Problem }

// Error has a line for each problem.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("the configuration is not usable:")
	for _, p := range e.Problems {
		fmt.Fprintf(&b, "\n  %s: %s", p.Variable, p.Message)
	}
	return b.String()
}

type problems []Problem

func (p *problems) add(variable, format string, args ...any) {
	*p = append(*p, Problem{Variable: variable, Message: fmt.Sprintf(format, args...)})
}

// has reports whether the variable, or its file, is already reported. What follows
// from that, such as the zero in the struct, is not worth a second line.
func (p problems) has(variable string) bool {
	return slices.ContainsFunc(p, func(x Problem) bool {
		return x.Variable == variable || x.Variable == variable+fileSuffix
	})
}

func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int { return strings.Compare(a.Variable, b.Variable) })
	return &Error{Problems: p}
}

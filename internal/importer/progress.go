package importer

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Progress writes how far an import is: a bar that moves on a terminal, and else a
// line now and then. Nil writes nothing.
type Progress struct {
	Out      io.Writer
	Terminal bool
	Now      func() time.Time

	what  string
	total int64
	since time.Time
	last  time.Time
}

const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 10 * time.Second
	barWidth  = 30
)

func (p *Progress) begin(what string, total int64) {
	if p == nil {
		return
	}
	p.what, p.total, p.since = what, total, p.Now()
	p.last = p.since
}

// at writes the progress unless it has just been written.
func (p *Progress) at(done int64, created int) error {
	if p == nil {
		return nil
	}
	every := lineEvery
	if p.Terminal {
		every = barEvery
	}
	if now := p.Now(); now.Sub(p.last) >= every {
		p.last = now
		return p.write(done, created)
	}
	return nil
}

// end writes what there was in all.
func (p *Progress) end(done int64, created int) error {
	if p == nil {
		return nil
	}
	if err := p.write(done, created); err != nil || !p.Terminal {
		return err
	}
	_, err := fmt.Fprintln(p.Out)
	return err
}

func (p *Progress) write(done int64, created int) error {
	passed := p.Now().Sub(p.since).Seconds()
	line := fmt.Sprintf("read %d, created %d %s", done, created, p.what)
	rate := 0.0
	if passed >= 1 {
		rate = float64(done) / passed
		line += fmt.Sprintf(", %.0f/s", rate)
	}
	if left := p.total - done; left > 0 && rate > 0 {
		line += ", " + (time.Duration(float64(left)/rate) * time.Second).String() + " left"
	}
	if !p.Terminal {
		_, err := fmt.Fprintln(p.Out, line)
		return err
	}
	bar := ""
	if p.total > 0 {
		full := int(min(done, p.total) * barWidth / p.total)
		bar = "[" + strings.Repeat("#", full) + strings.Repeat(" ", barWidth-full) + "] "
	}
	_, err := fmt.Fprintf(p.Out, "\r\x1b[K%s%s", bar, line)
	return err
}

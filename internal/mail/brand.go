package mail

import (
	"math"
	"strconv"
	"strings"
)

// Brand is how a service appears in its mails.
type Brand struct {
	Name  string // empty: it is called by its host
	Color string // #rrggbb, of the buttons; empty: dark gray
}

const (
	plainColor = "#1f2937"
	white      = "#ffffff"
)

// words are what templates need of the brand of the service at host.
func (b Brand) words(host string) map[string]string {
	out := map[string]string{"name": host, "sender": host, "color": plainColor, "onColor": white}
	if b.Name != "" {
		out["name"], out["sender"] = b.Name, b.Name+" ("+host+")"
	}
	if b.Color != "" {
		out["color"], out["onColor"] = b.Color, readableOn(b.Color)
	}
	return out
}

// readableOn returns the text colour, white or dark, that has more contrast on a
// background (WCAG 2.2, relative luminance).
func readableOn(color string) string {
	l := luminance(color)
	if (luminance(white)+0.05)/(l+0.05) >= (l+0.05)/(luminance(plainColor)+0.05) {
		return white
	}
	return plainColor
}

func luminance(color string) float64 {
	rgb, err := strconv.ParseUint(strings.TrimPrefix(color, "#"), 16, 24)
	if err != nil {
		return 0
	}
	part := func(shift int) float64 {
		c := float64(rgb>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}

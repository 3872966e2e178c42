package config

import (
	"regexp"
	"strings"

	"github.com/latchkey/latchkey/identity"
)

const maxBrandName = 60

// DefaultBrandName is what pages call a service without a brand of its own.
const DefaultBrandName = "Latchkey"

var (
	color     = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)
	projectID = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// checkPages refuses what would look wrong on every page.
func (c *Config) checkPages(problems *problems) {
	if !identity.IsLine(c.BrandName, maxBrandName) || strings.TrimSpace(c.BrandName) == "" {
		problems.add("LATCHKEY_BRAND_NAME", "is no name; give one line of at most %d characters", maxBrandName)
	}
	if u := string(c.BrandLogoURL); u != "" && !strings.HasPrefix(u, "https://") && !problems.has("LATCHKEY_BRAND_LOGO_URL") {
		problems.add("LATCHKEY_BRAND_LOGO_URL", "is %.200q; pages load pictures over https only", u)
	}
	if c.BrandColor != "" && !color.MatchString(c.BrandColor) {
		problems.add("LATCHKEY_BRAND_COLOR", "is %.40q; give six hexadecimal digits, such as #0b7285", c.BrandColor)
	}
	if c.WalletConnectProjectID != "" && !projectID.MatchString(c.WalletConnectProjectID) {
		problems.add("LATCHKEY_WALLETCONNECT_PROJECT_ID", "is no project id; give the 32 hexadecimal digits that the project has")
	}
}

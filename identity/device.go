package identity

import "github.com/mileusna/useragent"

// DeviceName names a device for people by its user agent, such as "Firefox on
// Linux".
func DeviceName(userAgent string) string {
	ua := useragent.Parse(userAgent)
	switch {
	case ua.Name == "":
		return "Unknown device"
	case ua.OS == "":
		return ua.Name
	}
	return ua.Name + " on " + ua.OS
}

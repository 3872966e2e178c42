//go:build !unix

package testpg

import "fmt"

// startPrivate needs processes and pipes as Unix has them.
func startPrivate(*Template) (string, error) {
	return "", fmt.Errorf("%w: a private server is started on Unix only; set %s", errNone, Variable)
}

//go:build !linux

package main

import (
	"errors"
	"fmt"
	"os"
	"time"
)

var errLinux = fmt.Errorf("%w: needs Linux", errors.ErrUnsupported)

func cpuTime(int) (time.Duration, error) { return 0, errLinux }

func resident(int) (now, peak int64, err error) { return 0, 0, errLinux }

func peakOf(*os.ProcessState) (int64, error) { return 0, errLinux }

package settings

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// notZero allows low or more, but not 0.
func notZero(low int64, why, text string) rule {
	r := atLeast(low)
	r.also = func(value string) error {
		if n, err := strconv.ParseInt(value, 10, 64); err == nil && n == 0 {
			return errors.New(why)
		}
		return nil
	}
	r.alsoText = text
	return r
}

func retentionTimes() rule {
	return notZero(-1, "0 would delete everything at once; write -1 to keep records for ever, or at least 1", "-1 or [1,...]")
}

func idleTimes() rule {
	return notZero(math.MinInt64, "0 would close every connection at once; write -1 to keep silent connections for ever", "negative or [1,...]")
}

func orMinusOne() rule {
	return notZero(-1, "0 leaves nothing to work with; write -1 to leave the choice to chronik, or at least 1", "-1 or [1,...]")
}

func oneDirectory() rule {
	return checked("one directory", func(value string) error {
		switch dirs := SplitList(value); {
		case len(dirs) == 0 || dirs[0] == "":
			return errors.New("name a directory")
		case len(dirs) > 1:
			return fmt.Errorf("this is the one data directory, and %d are named; list the directories of partitions in log.dirs (--log-dirs)", len(dirs))
		}
		return nil
	})
}

func someDirectories() rule {
	return checked("directory,directory", func(value string) error {
		dirs := SplitList(value)
		for i, dir := range dirs {
			switch {
			case dir == "":
				return errors.New("a name between two commas is missing")
			case slices.ContainsFunc(dirs[:i], func(other string) bool { return filepath.Clean(other) == filepath.Clean(dir) }):
				return fmt.Errorf("%s is listed twice", dir)
			}
		}
		return nil
	})
}

func bothRoles() rule {
	return checked("broker,controller", func(value string) error {
		roles := SplitList(value)
		slices.Sort(roles)
		if !slices.Equal(roles, []string{"broker", "controller"}) {
			return errors.New("every node is both; write broker,controller or leave it out")
		}
		return nil
	})
}

func connectionOverrides() rule {
	return checked("address:limit,address:limit", func(value string) error {
		_, err := ParseConnectionOverrides(value)
		return err
	})
}

// ParseConnectionOverrides reads max.connections.per.ip.overrides: the most
// connections of each address. The limit follows the last colon, so that an
// IPv6 address needs no brackets. Kafka also takes host names; a name that
// resolves to something else tomorrow is no address to limit.
func ParseConnectionOverrides(value string) (map[netip.Addr]int, error) {
	limits := make(map[netip.Addr]int)
	for _, item := range SplitList(value) {
		i := strings.LastIndexByte(item, ':')
		if i <= 0 {
			return nil, fmt.Errorf("%q is not of the form address:limit", item)
		}
		address, err := netip.ParseAddr(strings.Trim(item[:i], "[]"))
		if err != nil {
			return nil, fmt.Errorf("%q is not an IP address", item[:i])
		}
		limit, err := strconv.ParseInt(item[i+1:], 10, 32)
		if err != nil || limit < 0 {
			return nil, fmt.Errorf("%q: %q is not a whole number from 0 to %d", item, item[i+1:], math.MaxInt32)
		}
		limits[address.Unmap()] = int(limit)
	}
	return limits, nil
}

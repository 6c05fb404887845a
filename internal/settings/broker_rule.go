package settings

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func retentionTimes() rule {
	r := atLeast(-1)
	r.also = func(value string) error {
		if value == "0" {
			return errors.New("0 would delete everything at once; write -1 to keep records for ever, or at least 1")
		}
		return nil
	}
	r.alsoText = "-1 or [1,...]"
	return r
}

func oneDirectory() rule {
	return checked("one directory", func(value string) error {
		switch dirs := SplitList(value); {
		case len(dirs) == 0 || dirs[0] == "":
			return errors.New("name a directory")
		case len(dirs) > 1:
			return fmt.Errorf("chronik keeps its data in one directory, and %d are named; keep one of them", len(dirs))
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
	return checked("host:limit,host:limit", func(value string) error {
		_, err := ParseConnectionOverrides(value)
		return err
	})
}

// ParseConnectionOverrides reads max.connections.per.ip.overrides: the most
// connections of each host. The limit follows the last colon, so that an IPv6
// address needs no brackets.
func ParseConnectionOverrides(value string) (map[string]int, error) {
	limits := make(map[string]int)
	for _, item := range SplitList(value) {
		i := strings.LastIndexByte(item, ':')
		if i <= 0 {
			return nil, fmt.Errorf("%q is not of the form host:limit", item)
		}
		limit, err := strconv.ParseInt(item[i+1:], 10, 32)
		if err != nil || limit < 0 {
			return nil, fmt.Errorf("%q: %q is not a whole number from 0 to %d", item, item[i+1:], 1<<31-1)
		}
		limits[strings.Trim(item[:i], "[]")] = int(limit)
	}
	return limits, nil
}

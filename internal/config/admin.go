package config

import (
	"fmt"
	"math"
	"strings"
)

const (
	adminSetting = "admin.addr"
	// adminPortAbove is how far the pages' port lies above that of clients, so that
	// several nodes on one machine get ports of their own.
	adminPortAbove = 10_000
)

// Admin is where metrics, health and debug pages are served.
type Admin struct {
	// Addr is host:port, or "" where they are not served. Port 0 takes a free one.
	Addr string
	// Given: somebody has chosen Addr, and a start that cannot have it must fail.
	// Otherwise the broker does without the pages.
	Given bool
}

// decideAdmin finds where the pages are served, beside the listeners of clients.
func decideAdmin(g given, bound []endpoint) (Admin, error) {
	v, ok := g.get(adminSetting)
	switch {
	case v.Origin == "":
		e := endpoint{host: "localhost"}
		if port := int(bound[0].port); port > 0 && port+adminPortAbove <= math.MaxUint16 {
			e.port = uint16(port + adminPortAbove)
		}
		return Admin{Addr: e.binds()[0]}, nil
	case !ok || strings.EqualFold(strings.TrimSpace(v.Text), "none"):
		return Admin{Given: true}, nil
	}
	text := strings.TrimSpace(v.Text)
	e, err := parseAddress(text, text, "host:port")
	if err != nil {
		return Admin{}, fmt.Errorf("%s: %s: %w, nor is it none", v.Origin, adminSetting, err)
	}
	for _, l := range bound {
		if e.collides(l) {
			return Admin{}, fmt.Errorf("%s: %s and listener %s share port %d; give each a port of its own", v.Origin, adminSetting, l.name, e.port)
		}
	}
	return Admin{Addr: e.binds()[0], Given: true}, nil
}

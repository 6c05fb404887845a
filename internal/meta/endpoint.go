package meta

import (
	"net"
	"strconv"
)

// String is the endpoint as listeners are written: NAME://host:port.
func (e Endpoint) String() string {
	return e.Listener + "://" + net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port)))
}

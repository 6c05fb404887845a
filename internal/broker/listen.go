package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"syscall"

	"github.com/chronik/chronik/internal/certificate"
	"github.com/chronik/chronik/internal/config"
	"github.com/chronik/chronik/internal/server"
)

// bindAll opens every address of every listener. The first of a listener must
// open; the others (::1 besides 127.0.0.1) are opened where the machine has
// them, at the port the first was given. secured has the TLS of those that speak
// SSL.
func bindAll(ctx context.Context, listeners []config.Listener, secured map[string]*tls.Config, lc net.ListenConfig) (bound []server.Listen, err error) {
	defer func() {
		if err != nil {
			for _, b := range bound {
				err = errors.Join(err, b.Listener.Close())
			}
		}
	}()
	for _, l := range listeners {
		port := ""
		for i, address := range l.Binds {
			if i > 0 {
				host, _, err := net.SplitHostPort(address)
				if err != nil {
					return bound, fmt.Errorf("listener %s: %q is not host:port: %w", l.Name, address, err)
				}
				address = net.JoinHostPort(host, port)
			}
			nl, err := lc.Listen(ctx, "tcp", address)
			if i > 0 && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)) {
				continue // this machine has no such address
			}
			if err != nil {
				return bound, bindError(l.Name, address, err)
			}
			if i == 0 {
				_, port, _ = net.SplitHostPort(nl.Addr().String())
			}
			bound = append(bound, server.Listen{Name: l.Name, Address: address, Protocol: l.Protocol, TLS: secured[l.Name], Listener: nl})
		}
	}
	return bound, nil
}

// secureAll reads the certificates of the listeners that speak SSL, by their names.
func secureAll(listeners []config.Listener, log *slog.Logger) (map[string]*tls.Config, error) {
	all := make(map[string]*tls.Config)
	for _, l := range listeners {
		if l.TLS == nil {
			continue
		}
		store, err := certificate.Open(*l.TLS, log)
		if err != nil {
			return nil, err
		}
		all[l.Name] = store.Config()
	}
	return all, nil
}

// bindError names the setting, and not Go's operation: this sentence is all that
// somebody sees whose port is in use.
func bindError(name, address string, err error) error {
	return addressError("listener "+name, address, err, "--kafka-port or listeners")
}

func addressError(who, address string, err error, setting string) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	return fmt.Errorf("%s cannot listen on %s: %w; choose another address with %s", who, address, err, setting)
}

// listenConfig applies socket.send.buffer.bytes and socket.receive.buffer.bytes,
// which accepted connections inherit; -1 leaves them to the system.
func listenConfig(s config.Sockets) net.ListenConfig {
	return net.ListenConfig{Control: func(_, _ string, conn syscall.RawConn) error {
		var errs []error
		err := conn.Control(func(fd uintptr) {
			if s.SendBufferBytes > 0 {
				errs = append(errs, syscall.SetsockoptInt(socket(fd), syscall.SOL_SOCKET, syscall.SO_SNDBUF, s.SendBufferBytes))
			}
			if s.ReceiveBufferBytes > 0 {
				errs = append(errs, syscall.SetsockoptInt(socket(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, s.ReceiveBufferBytes))
			}
		})
		return errors.Join(append(errs, err)...)
	}}
}

package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/chronik/chronik/internal/config"
	"github.com/chronik/chronik/internal/peer"
)

// bindCluster opens the cluster port, on the addresses after the first where this
// machine has them.
func bindCluster(ctx context.Context, addresses []string) (net.Listener, error) {
	var opened []net.Listener
	for i, address := range addresses {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if i > 0 && (errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)) {
			continue
		}
		if err != nil {
			for _, l := range opened {
				err = errors.Join(err, l.Close())
			}
			return nil, addressError("the cluster port", address, err, "--raft-addr")
		}
		opened = append(opened, l)
	}
	if len(opened) == 1 {
		return opened[0], nil
	}
	return newListeners(opened), nil
}

// listeners are several as one. Closing it ends its goroutines, one for each.
type listeners struct {
	all      []net.Listener
	accepted chan acceptance
	closed   chan struct{}
	close    sync.Once
}

type acceptance struct {
	conn net.Conn
	err  error
}

func newListeners(all []net.Listener) *listeners {
	l := &listeners{all: all, accepted: make(chan acceptance), closed: make(chan struct{})}
	for _, one := range all {
		go l.serve(one)
	}
	return l
}

func (l *listeners) serve(one net.Listener) {
	for {
		conn, err := one.Accept()
		select {
		case l.accepted <- acceptance{conn, err}:
		case <-l.closed:
			if err == nil {
				_ = conn.Close() // nobody wants it any more
			}
			return
		}
		if errors.Is(err, net.ErrClosed) {
			return
		}
	}
}

// Accept implements net.Listener.
func (l *listeners) Accept() (net.Conn, error) {
	select {
	case a := <-l.accepted:
		return a.conn, a.err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener: the first's.
func (l *listeners) Addr() net.Addr { return l.all[0].Addr() }

// Close implements net.Listener.
func (l *listeners) Close() error {
	err := net.ErrClosed
	l.close.Do(func() {
		close(l.closed)
		err = nil
		for _, one := range l.all {
			err = errors.Join(err, one.Close())
		}
	})
	return err
}

// clusterTLS reads the certificates by which nodes know each other; nil: none.
func clusterTLS(files *config.ClusterTLS) (*peer.TLS, error) {
	if files == nil {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(files.CertificateFile, files.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("cluster.ssl.certificate.file and cluster.ssl.key.file: %w", err)
	}
	text, err := os.ReadFile(files.CAFile)
	if err != nil {
		return nil, fmt.Errorf("cluster.ssl.ca.file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("cluster.ssl.ca.file: %s has no certificate in PEM", files.CAFile)
	}
	certificates := []tls.Certificate{certificate}
	return &peer.TLS{
		Server: &tls.Config{Certificates: certificates, ClientCAs: pool, MinVersion: tls.VersionTLS13},
		Client: &tls.Config{Certificates: certificates, RootCAs: pool, MinVersion: tls.VersionTLS13},
	}, nil
}

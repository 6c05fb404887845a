package server

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// fileSocket is the socket of a connection that can be sent files; nil where it is none:
// TLS has to see what it sends.
func fileSocket(nc net.Conn) syscall.RawConn {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil // closed; whoever reads from it says so
	}
	return raw
}

// sendFile sends some of a file, n bytes at most, and waits until it can; the write
// deadline holds. A file that has become shorter is io.ErrUnexpectedEOF.
func sendFile(to syscall.RawConn, f *os.File, off int64, n int) (sent int64, err error) {
	from := int(f.Fd())
	return writeRaw(to, "sendfile", func(fd int) (int, error) {
		m, err := unix.Sendfile(fd, from, &off, n)
		if m == 0 && err == nil {
			err = io.ErrUnexpectedEOF
		}
		return m, err
	})
}

// piecesMax is how many pieces one call takes (UIO_MAXIOV).
const piecesMax = 1024

// sendMore sends pieces, or the first of very many, behind which more comes at once: without
// saying so, the client would be woken for them alone.
func sendMore(to syscall.RawConn, pieces [][]byte) (sent int64, err error) {
	pieces = pieces[:min(len(pieces), piecesMax)]
	return writeRaw(to, "sendmsg", func(fd int) (int, error) {
		return unix.SendmsgBuffers(fd, pieces, nil, nil, unix.MSG_MORE|unix.MSG_NOSIGNAL)
	})
}

// writeRaw calls send until it has sent something, or failed.
func writeRaw(to syscall.RawConn, call string, send func(fd int) (int, error)) (int64, error) {
	var n int
	var failed error
	err := to.Write(func(fd uintptr) bool {
		for {
			n, failed = send(int(fd))
			if !errors.Is(failed, unix.EINTR) {
				return !errors.Is(failed, unix.EAGAIN)
			}
		}
	})
	if err == nil && failed != nil {
		err = os.NewSyscallError(call, failed)
	}
	return int64(max(n, 0)), err
}

package server

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// socketPair is a server's end of a TCP connection, and a client's.
func socketPair(t *testing.T) (server *net.TCPConn, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server, ok := accepted.(*net.TCPConn)
	if !ok {
		t.Fatalf("accepted %T", accepted)
	}
	t.Cleanup(func() { _ = errors.Join(server.Close(), client.Close()) })
	return server, client
}

// randomFile is a file of so many bytes.
func randomFile(t *testing.T, r *rand.ChaCha8, n int) (*os.File, []byte) {
	t.Helper()
	content := make([]byte, n)
	_, _ = r.Read(content)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, content
}

// Bytes of files, of buffers and of inserts arrive in the order of the response, however
// little the client takes at a time.
func TestFilesAreSentInTheirPlace(t *testing.T) {
	source := rand.NewChaCha8([32]byte{1})
	r := rand.New(source)
	f, content := randomFile(t, source, 4<<20)
	for range 20 {
		server, client := socketPair(t)
		request := &Request{sendsFiles: true}
		var o outgoing
		for range r.IntN(8) {
			head := content[:r.IntN(300)]
			o.buf = append(o.buf, head...)
			switch off := r.IntN(len(content)); r.IntN(3) {
			case 0:
				request.Insert(o.buf, content[off:min(len(content), off+r.IntN(100_000))])
			default:
				request.InsertFile(o.buf, f, int64(off), int64(r.IntN(len(content)-off)))
			}
		}
		o.buf = append(o.buf, "the end"...)
		want := request.WithInserts(o.buf)
		o.insertAll(request.inserts)
		if o.left() != len(want) {
			t.Fatalf("%d bytes are left, not %d", o.left(), len(want))
		}
		got := make(chan []byte, 1)
		go func() {
			all, _ := io.ReadAll(client)
			got <- all
		}()
		socket := fileSocket(server)
		for o.left() > 0 {
			if _, err := o.send(server, socket, writeChunkBytes); err != nil {
				t.Fatal(err)
			}
		}
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		if all := <-got; !bytes.Equal(all, want) {
			t.Fatalf("%d bytes arrived, not the %d that were sent", len(all), len(want))
		}
	}
}

// More pieces before a file than one call takes are sent by several.
func TestManyPiecesBeforeAFile(t *testing.T) {
	server, client := socketPair(t)
	f, _ := randomFile(t, rand.NewChaCha8([32]byte{4}), 100)
	request := &Request{sendsFiles: true}
	var o outgoing
	for range piecesMax {
		o.buf = append(o.buf, 'h')
		request.Insert(o.buf, []byte("record"))
	}
	request.InsertFile(o.buf, f, 0, 100)
	want := request.WithInserts(o.buf)
	o.insertAll(request.inserts)
	for o.left() > 0 {
		if _, err := o.send(server, fileSocket(server), writeChunkBytes); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(client, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v, or something else than was sent", err)
	}
}

// A file that has become shorter than was announced is an error, not a wait for ever.
func TestAFileThatIsTooShort(t *testing.T) {
	server, _ := socketPair(t)
	f, _ := randomFile(t, rand.NewChaCha8([32]byte{2}), 1000)
	request := &Request{sendsFiles: true}
	request.InsertFile(nil, f, 500, 1000)
	o := outgoing{}
	o.insertAll(request.inserts)
	if n, err := o.send(server, fileSocket(server), writeChunkBytes); n != 500 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if n, err := o.send(server, fileSocket(server), writeChunkBytes); n != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d, %v", n, err)
	}
}

// The write deadline holds for a client that reads nothing.
func TestAFileIsNotWaitedForLongerThanTheDeadline(t *testing.T) {
	server, _ := socketPair(t)
	f, content := randomFile(t, rand.NewChaCha8([32]byte{3}), 16<<20)
	request := &Request{sendsFiles: true}
	request.InsertFile(nil, f, 0, int64(len(content)))
	o := outgoing{}
	o.insertAll(request.inserts)
	if err := server.SetWriteDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for {
		_, err := o.send(server, fileSocket(server), writeChunkBytes)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil || o.left() == 0 {
			t.Fatalf("%d bytes are left, %v", o.left(), err)
		}
	}
}

func TestOnlyPlainConnectionsSendFiles(t *testing.T) {
	one, other := net.Pipe()
	defer func() { _ = errors.Join(one.Close(), other.Close()) }()
	if fileSocket(one) != nil {
		t.Error("a pipe has a socket")
	}
}

package api

import (
	"errors"
	"net"
	"sync"
	"time"
)

// tlsHandshake is the first byte of every TLS connection: RFC 8446 section 5.1, ContentType.
const tlsHandshake = 22

// acceptAttempts bounds failures in a row, acceptPause lies between them.
const (
	acceptAttempts = 200
	acceptPause    = 50 * time.Millisecond
)

// split serves TLS and, to the machine itself, plain HTTP on one address. A connection between two
// loopback addresses is told apart by its first byte; any other must speak TLS.
type split struct {
	net.Listener
	// wait bounds the time until the first byte.
	wait          time.Duration
	secure, plain chan net.Conn
	closed        chan struct{}
	close         func() error
}

func newSplit(l net.Listener, wait time.Duration) *split {
	s := &split{Listener: l, wait: wait, secure: make(chan net.Conn), plain: make(chan net.Conn), closed: make(chan struct{})}
	s.close = sync.OnceValue(func() error { close(s.closed); return l.Close() })
	return s
}

// run accepts until the listener is closed, or fails again and again: a lack of descriptors passes.
func (s *split) run() error {
	for failures := 0; ; {
		conn, err := s.Accept()
		if err != nil {
			if failures++; failures == acceptAttempts || errors.Is(err, net.ErrClosed) {
				return errors.Join(err, s.close())
			}
			time.Sleep(acceptPause)
			continue
		}
		failures = 0
		if !onLoopback(conn.RemoteAddr()) || !onLoopback(conn.LocalAddr()) {
			go s.give(s.secure, conn)
			continue
		}
		go s.look(conn)
	}
}

// look reads the first byte and puts it back.
func (s *split) look(conn net.Conn) {
	first := make([]byte, 1)
	err := conn.SetReadDeadline(time.Now().Add(s.wait))
	if err == nil {
		_, err = conn.Read(first)
	}
	if err == nil {
		err = conn.SetReadDeadline(time.Time{})
	}
	if err != nil {
		conn.Close()
		return
	}
	to := s.plain
	if first[0] == tlsHandshake {
		to = s.secure
	}
	s.give(to, &begun{Conn: conn, first: first})
}

func (s *split) give(to chan net.Conn, conn net.Conn) {
	select {
	case to <- conn:
	case <-s.closed:
		conn.Close()
	}
}

func onLoopback(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// begun is a connection of which the first byte was read. Its reader is one goroutine at a time, as net/http and crypto/tls are.
type begun struct {
	net.Conn
	first []byte
}

// Read implements net.Conn.
func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) == 0 || len(p) == 0 {
		return b.Conn.Read(p)
	}
	n := copy(p, b.first)
	b.first = b.first[n:]
	return n, nil
}

// half is one side of a split as a listener.
type half struct {
	*split
	conns chan net.Conn
}

// Accept implements net.Listener.
func (h half) Accept() (net.Conn, error) {
	select {
	case conn := <-h.conns:
		return conn, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close closes both halves.
func (h half) Close() error { return h.split.close() }

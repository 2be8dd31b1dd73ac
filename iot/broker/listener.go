package broker

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// listener accepts connections within limits: at most MaxConnections, each with a deadline
// before it has said anything. The library's own listeners have neither, and end at the
// first error of accept.
type listener struct {
	inner net.Listener
	tls   *tls.Config

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
	wait   sync.WaitGroup
}

func newListener(inner net.Listener, config *tls.Config) *listener {
	return &listener{inner: inner, tls: config, conns: map[net.Conn]bool{}}
}

func (l *listener) Init(*slog.Logger) error { return nil }
func (l *listener) ID() string              { return "gateways" }
func (l *listener) Address() string         { return l.inner.Addr().String() }
func (l *listener) Protocol() string        { return "tcp" }

// Serve accepts until Close. A failed accept, for want of descriptors say, is tried again.
func (l *listener) Serve(establish listeners.EstablishFn) {
	const pause = 10 * time.Millisecond
	for {
		conn, err := l.inner.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(pause)
			continue
		}
		if !l.add(conn) {
			_ = conn.Close() // too many, or closing
			continue
		}
		go l.serve(conn, establish)
	}
}

func (l *listener) serve(conn net.Conn, establish listeners.EstablishFn) {
	defer l.remove(conn)
	_ = conn.SetDeadline(time.Now().Add(ConnectTimeout)) // fails only on a dead connection
	if l.tls != nil {
		secure := tls.Server(conn, l.tls)
		if secure.Handshake() != nil {
			return
		}
		_ = establish(l.ID(), secure) // how a connection ended is its client's affair
		return
	}
	_ = establish(l.ID(), conn)
}

func (l *listener) add(conn net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.conns) >= MaxConnections {
		return false
	}
	l.conns[conn] = true
	l.wait.Add(1)
	return true
}

func (l *listener) remove(conn net.Conn) {
	_ = conn.Close() // usually closed already
	l.mu.Lock()
	delete(l.conns, conn)
	l.mu.Unlock()
	l.wait.Done()
}

// Close ends all connections, also those that have not said who they are, and waits for them.
func (l *listener) Close(closeClients listeners.CloseFn) {
	l.mu.Lock()
	l.closed = true // first: what is accepted from here on is hung up on
	l.mu.Unlock()
	_ = l.inner.Close() // nothing to do about it
	closeClients(l.ID())
	l.mu.Lock()
	for conn := range l.conns {
		_ = conn.Close()
	}
	l.mu.Unlock()
	l.wait.Wait()
}

package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
)

// Config is what a server is made of. Only Ledger is required.
type Config struct {
	Ledger Ledger
	// Policy is the tlog-policy that verifiers of this ledger need; nil serves none.
	Policy []byte
	// Platform is the word for what the node runs on; every answer carries it. Empty: none does.
	Platform string
	// Custody says how the node keeps its keys, for /readyz; nil: it does not say.
	Custody func() Custody
	// Log takes one access line per request; nil discards.
	Log *slog.Logger
	// Now is the wall clock that tokens are judged by; nil is time.Now.
	Now func() time.Time
	// TLS holds the certificate; nil serves plain HTTP. PlainLoopback serves plain HTTP beside it, on
	// the same address, over connections that stay on the machine.
	TLS           *tls.Config
	PlainLoopback bool
	// Quote gives a statement over this node's keys and the nonce, as JSON; nil: the node makes none.
	Quote func(nonce []byte) ([]byte, error)
}

// Server answers for one ledger. Safe for concurrent use.
type Server struct {
	ledger Ledger
	// policyText is what /log/policy serves.
	policyText []byte
	platform   string
	custody    func() Custody
	log        *slog.Logger
	now        func() time.Time
	tls        *tls.Config
	plain      bool
	quote      func(nonce []byte) ([]byte, error)
	quoting    *queue
	limits     limits
	metrics    *metrics
	load       *load
	streams    *streams
	rates      *rates
	handler    http.Handler
	// stopping is closed when Run begins to stop: streams end on it.
	stopping chan struct{}
	stop     func()
}

// New makes a server.
func New(c Config) *Server { return newServer(c, standardLimits) }

func newServer(c Config, l limits) *Server {
	s := &Server{ledger: c.Ledger, policyText: c.Policy, platform: c.Platform, custody: c.Custody, log: c.Log, now: c.Now, tls: c.TLS, plain: c.PlainLoopback, quote: c.Quote, limits: l, stopping: make(chan struct{})}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.load = &load{requests: make(chan struct{}, l.inFlight), bytes: l.inFlightBytes}
	s.quoting = newQueue(l.quoting)
	s.streams = &streams{limit: l.streams, partyLimit: l.partyStreams}
	s.rates = newRates(l.buckets)
	s.stop = sync.OnceFunc(func() { close(s.stopping) })
	s.metrics = newMetrics(s)
	s.handler = headAsGet(s.mount())
	return s
}

// mount builds the router from the table of routes.
func (s *Server) mount() *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = func(err error, c echo.Context) { problemOf(err).write(c) }
	e.Pre(s.observe, limitURL)
	for _, r := range s.routes() {
		e.Add(r.method, r.path, s.serve(r))
	}
	return e
}

// Handler is the public surface without the time-outs of Run.
func (s *Server) Handler() http.Handler { return s.handler }

// Run serves on the listener, and closes it, until ctx ends. Then it accepts nothing more,
// ends the event streams, lets requests finish for a bounded time and returns nil; or an
// error, if some had to be cut off. Call it once.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	server := s.limits.httpServer(s.handler)
	server.ErrorLog = slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)
	served := make(chan error, 1)
	go func() { served <- s.listen(server, listener) }()
	select {
	case err := <-served:
		s.stop()
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	s.stop()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.grace)
	defer cancel()
	err := server.Shutdown(bounded)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop HTTP: requests cut off after %v: %w", s.limits.grace, err), server.Close())
	}
	<-served
	return err
}

func (s *Server) listen(server *http.Server, listener net.Listener) error {
	if s.tls == nil {
		return server.Serve(listener)
	}
	server.TLSConfig = s.tls.Clone()
	if !s.plain {
		return server.ServeTLS(listener, "", "")
	}
	both := newSplit(listener, s.limits.readHeader)
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(half{both, both.plain}) }()
	go func() { ended <- server.ServeTLS(half{both, both.secure}, "", "") }()
	return errors.Join(both.run(), <-ended, <-ended)
}

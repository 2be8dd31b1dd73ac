package witness

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"
)

// Limits of the server.
const (
	// MaxConnections bounds the open connections; the next ones wait to be accepted.
	MaxConnections = 128
	// MaxInFlight bounds the requests at work; the next ones are answered 503.
	MaxInFlight = 32
	// A log keeps its connection open between two heads for idleTimeout.
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	// shutdownGrace is how long requests may take to finish when the server stops.
	shutdownGrace  = 10 * time.Second
	maxHeaderBytes = 8 << 10
)

// sizeType is the content type of the size in a conflict.
const sizeType = "text/x.tlog.size"

// Server serves a witness over HTTP: POST /add-checkpoint as C2SP tlog-witness has it, and
// GET /checkpoint/HASH, the newest head that was cosigned of the log whose origin has that
// SHA-256 in hex: what a log, or anybody, holds its own view against.
type Server struct {
	witness *Witness
	log     *slog.Logger
	places  chan struct{}
	mu      sync.Mutex // guards lines
	lines   pace
}

// NewServer serves w. The log takes a line for each request of a known log that was refused; it
// holds nothing but origins, sizes and outcomes.
func NewServer(w *Witness, log *slog.Logger) *Server {
	return &Server{witness: w, log: log, places: make(chan struct{}, MaxInFlight)}
}

// Handler answers requests, without the time-outs of Run.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /add-checkpoint", s.addCheckpoint)
	mux.HandleFunc("GET /checkpoint/{hash}", s.checkpoint)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case s.places <- struct{}{}:
			defer func() { <-s.places }()
			mux.ServeHTTP(w, r)
		default:
			http.Error(w, "too much at once", http.StatusServiceUnavailable)
		}
	})
}

// Run serves on the listener, and closes it, until the context ends. Then it accepts nothing
// more and lets requests finish for a bounded time.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: s.Handler(), MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		stopped <- server.Shutdown(bounded)
	})
	err := server.Serve(netutil.LimitListener(listener, MaxConnections))
	if stop() || !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve witness: %w", err)
	}
	return <-stopped
}

func (s *Server) addCheckpoint(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequestBytes))
	if err != nil {
		http.Error(w, "the body is too large, or ended early", http.StatusBadRequest)
		return
	}
	lines, h, err := s.witness.add(body)
	code := status(err)
	s.note(h, code, err)
	var known *conflict
	switch {
	case errors.As(err, &known):
		w.Header().Set("Content-Type", sizeType)
		w.WriteHeader(code)
		fmt.Fprintf(w, "%d\n", known.size)
	case code == http.StatusInternalServerError:
		http.Error(w, "the witness cannot answer at present", code)
	case err != nil:
		http.Error(w, err.Error(), code)
	default:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write(lines) // an error means that the log has gone; it will ask again
	}
}

// status is the answer that tlog-witness gives each outcome.
func status(err error) int {
	var known *conflict
	switch {
	case err == nil:
		return http.StatusOK
	case errors.Is(err, errMalformed):
		return http.StatusBadRequest
	case errors.Is(err, errUnsigned):
		return http.StatusForbidden
	case errors.Is(err, errUnknownLog):
		return http.StatusNotFound
	case errors.As(err, &known), errors.Is(err, errOtherRoot):
		return http.StatusConflict
	case errors.Is(err, errProof):
		return http.StatusUnprocessableEntity
	case errors.Is(err, errPace):
		return http.StatusTooManyRequests
	}
	return http.StatusInternalServerError
}

// note writes what an operator should look at. A head that contradicts another is what a
// witness is for. What went as it should is for debugging, requests that no known log signed
// leave no line, and no more than MaxPerSecond lines are written: nobody can fill the disk.
func (s *Server) note(h head, code int, err error) {
	level, what := slog.LevelDebug, "add-checkpoint"
	switch {
	case h.origin == "":
		return
	case code == http.StatusInternalServerError:
		level, what = slog.LevelError, "cannot cosign"
	case errors.Is(err, errOtherRoot) || errors.Is(err, errProof):
		level, what = slog.LevelError, "refused: the log contradicts itself, or its proof is bad"
	case code != http.StatusOK && code != http.StatusConflict:
		level = slog.LevelWarn
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if level == slog.LevelDebug || s.lines.allow(s.witness.now()) {
		s.log.Log(context.Background(), level, what, "origin", h.origin, "size", h.size, "status", code, "error", err)
	}
}

func (s *Server) checkpoint(w http.ResponseWriter, r *http.Request) {
	for origin := range s.witness.logs {
		if originHash(origin) != r.PathValue("hash") {
			continue
		}
		_, stored, err := s.witness.stored(origin)
		if err != nil {
			s.log.Error("cannot read", "origin", origin, "error", err)
			http.Error(w, "the witness cannot answer at present", http.StatusInternalServerError)
			return
		}
		if stored != nil {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = w.Write(stored)
			return
		}
	}
	http.Error(w, "no head of such a log was cosigned here", http.StatusNotFound)
}

// originHash names a log in a path.
func originHash(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(sum[:])
}

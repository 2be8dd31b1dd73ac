package node

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Limits of the small HTTP servers beside the API: admin and flight server.
const (
	headerTimeout = 5 * time.Second
	idleTimeout   = time.Minute
	// shutdownGrace is how long requests may take to finish when a server stops.
	shutdownGrace = 10 * time.Second
)

// ServeHTTP serves until the context ends, then lets requests finish.
func ServeHTTP(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 16 << 10}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		stopped <- server.Shutdown(grace)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

package api

import (
	"net/http"
	"time"

	"aval/domain"
)

// Limits of a request.
const (
	// maxBodyBytes leaves room for the line break that an editor or a shell puts after a JWS, or after its disclosures.
	maxBodyBytes = domain.MaxSubmissionBytes + 2
	// maxHeaderBytes bounds request line and headers; net/http adds 4 KiB of slack and answers 431.
	maxHeaderBytes = 16 << 10
	maxURLBytes    = 2048
	maxTokenBytes  = 2048
	// maxCursorBytes bounds the opaque cursor of a page.
	maxCursorBytes = 1024
	// defaultPage and maxPage bound the items of one page.
	defaultPage = 100
	maxPage     = 1000
	// maxIndex is the largest log index that every JSON reader keeps exact.
	maxIndex = uint64(domain.MaxMinor)
	// minNonceBytes keeps quotes from being guessed and made ahead; maxNonceBytes is the longest hash.
	minNonceBytes = 16
	maxNonceBytes = 64
	// tokenSkew is how far the clock of a token's signer may run ahead of ours.
	tokenSkew = time.Minute
)

// limits are those that depend on the machine, gathered so that a test can make them small.
type limits struct {
	// readHeader, read, write and idle are the time-outs of net/http. read covers a body of
	// 1 MiB, write the longest wait; a stream renews its own.
	readHeader, read, write, idle time.Duration
	// wait is the longest a submission waits for its result.
	wait time.Duration
	// witnessed is the longest a submission waits for cosignatures, and less than wait: who
	// gives up as early as the server does hears at least that the command is committed.
	witnessed time.Duration
	// inFlight bounds the requests being served, inFlightBytes their bodies together.
	inFlight      int
	inFlightBytes int64
	// streams bounds the open event streams, partyStreams those of one party.
	streams, partyStreams int
	// quoting bounds the requests that wait for a quote, which are made one after the other: a
	// TPM takes a good part of a second for one.
	quoting int
	// strangers is what one address may ask in a minute without a known key, forgeries how many
	// bad signatures under one key it may send; buckets bounds the addresses and parties counted.
	strangers, forgeries, buckets int
	// heartbeat is the longest silence on a stream. streamWrite is how long one entry may take to
	// leave before the reader counts as too slow. streamPace is the shortest time between two
	// reads of the log for one stream; streamPage the entries held for it at a time.
	heartbeat, streamWrite, streamPace time.Duration
	streamPage                         int
	// grace is how long requests may go on after the server was told to stop.
	grace time.Duration
}

var standardLimits = limits{
	readHeader: 5 * time.Second, read: 30 * time.Second, write: time.Minute, idle: 2 * time.Minute,
	wait: 30 * time.Second, witnessed: 10 * time.Second,
	inFlight: 2048, inFlightBytes: 256 << 20,
	streams: 1024, partyStreams: 8, quoting: 32,
	strangers: 6000, forgeries: 60, buckets: 1 << 14,
	heartbeat: 15 * time.Second, streamWrite: 10 * time.Second, streamPace: 20 * time.Millisecond, streamPage: 100,
	grace: 15 * time.Second,
}

// httpServer applies the limits that net/http enforces.
func (l limits) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, MaxHeaderBytes: maxHeaderBytes,
		ReadHeaderTimeout: l.readHeader, ReadTimeout: l.read, WriteTimeout: l.write, IdleTimeout: l.idle,
	}
}

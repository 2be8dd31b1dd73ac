package flightserver

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is one way in which a flight data service goes wrong.
type Fault string

// The faults, by the names that ParsePlan knows.
const (
	None            Fault = ""
	TooMany         Fault = "429"
	TooManyWithHint Fault = "429-hint" // with Retry-After: 1
	Unauthorized    Fault = "401"
	Internal        Fault = "500"
	Truncated       Fault = "truncated"       // the JSON ends in its middle
	ErrorBody       Fault = "error-body"      // status 200, error inside
	Slow            Fault = "slow"            // the right answer, after SlowFor
	Huge            Fault = "huge"            // a body of HugeBytes
	RepeatedCursor  Fault = "repeated-cursor" // links.next leads to the same page again
	UnlistedStatus  Fault = "unlisted-status" // a status text that no client can know
)

// HugeBytes is the size of the body of the Huge fault.
const HugeBytes = 50 << 20

// Plan says which fault the nth request meets, counted from 1. It must be pure: it is called
// from many goroutines.
type Plan func(n uint64) Fault

// Always is the plan of one fault for all requests.
func Always(f Fault) Plan { return func(uint64) Fault { return f } }

// First meets the first requests with one fault each.
func First(faults ...Fault) Plan {
	return func(n uint64) Fault {
		if n > uint64(len(faults)) {
			return None
		}
		return faults[n-1]
	}
}

// ParsePlan reads "429=10,500=25": each tenth request meets 429, each twenty-fifth 500. Where
// two meet, the first in the list counts. The empty text is no faults.
func ParsePlan(list string) (Plan, error) {
	type rule struct {
		fault Fault
		every uint64
	}
	known := []Fault{TooMany, TooManyWithHint, Unauthorized, Internal, Truncated, ErrorBody, Slow, Huge, RepeatedCursor, UnlistedStatus}
	var rules []rule
	for part := range strings.SplitSeq(list, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, count, _ := strings.Cut(part, "=")
		every, err := strconv.ParseUint(count, 10, 32)
		if err != nil || every == 0 || !slices.Contains(known, Fault(name)) {
			return nil, fmt.Errorf("fault %.40q: want name=count, the name one of %v", part, known)
		}
		rules = append(rules, rule{Fault(name), every})
	}
	return func(n uint64) Fault {
		for _, r := range rules {
			if n%r.every == 0 {
				return r.fault
			}
		}
		return None
	}, nil
}

// meet answers a request with a fault; false means that the fault, if any, lies in the right answer.
func (s *Server) meet(f Fault, w http.ResponseWriter, r *http.Request) bool {
	switch f {
	case TooManyWithHint:
		w.Header().Set("Retry-After", "1")
		fallthrough
	case TooMany:
		fail(w, http.StatusTooManyRequests, "Too many requests", "TOO_MANY_REQUESTS", "rate limit reached")
	case Unauthorized:
		fail(w, http.StatusUnauthorized, "Unauthorized", "UNAUTHORIZED", "the key was refused")
	case Internal:
		fail(w, http.StatusInternalServerError, "Internal error", "INTERNAL", "try again later")
	case ErrorBody:
		send(w, http.StatusOK, problem{"Internal error", "INTERNAL", "try again later", http.StatusInternalServerError})
	case Truncated:
		_, _ = io.WriteString(w, `{"links":null,"num_pages":1,"flights":[{"ident":"`)
	case Huge:
		huge(w)
	case Slow:
		return !wait(r.Context(), s.slow)
	default:
		return false
	}
	return true
}

// huge sends an answer that would be in order but for its size.
func huge(w http.ResponseWriter) {
	const head, tail = `{"links":null,"num_pages":1,"flights":[],"padding":"`, `"}`
	padding := strings.Repeat("x", 64<<10)
	if _, err := io.WriteString(w, head); err != nil {
		return
	}
	for sent := len(head) + len(tail); sent < HugeBytes; sent += len(padding) {
		if _, err := io.WriteString(w, padding); err != nil {
			return // the client had enough
		}
	}
	_, _ = io.WriteString(w, tail)
}

// wait is false if the client goes away before the time is over.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

type faultKey struct{}

func withFault(r *http.Request, f Fault) *http.Request {
	if f == None {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), faultKey{}, f))
}

func faultOf(r *http.Request) Fault {
	f, _ := r.Context().Value(faultKey{}).(Fault)
	return f
}

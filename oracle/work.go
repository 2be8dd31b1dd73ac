package oracle

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"

	"aval/domain"
)

// job is what a worker knows of one watch: a copy of what Refresh may change meanwhile.
type job struct {
	*watch
	interval domain.Millis
	closed   bool
}

// work sends what is unsent, polls if a poll is due, and reports the answer to each watch.
func (r *Runner) work(ctx context.Context, s *subject, now domain.Millis) {
	jobs, due := r.jobs(s, now)
	var stats Stats
	for _, j := range jobs {
		if at := j.mail.resendAt(); at != 0 && (at <= now || due) {
			stats.Resent++
			r.deliver(ctx, &j.mail, now, &stats)
		}
	}
	answered := false
	if due {
		var status domain.FlightStatus
		status, answered = r.poll(ctx, s, &stats)
		due = answered || ctx.Err() == nil // a poll that the caller broke off is still to be made
		if answered || due && s.failures+1 >= UnreachableAfter {
			for _, j := range jobs {
				if !j.closed {
					r.report(ctx, j, status, now, &stats)
				}
			}
		}
	}
	r.done(s, now, due, answered, stats)
}

func (r *Runner) jobs(s *subject, now domain.Millis) (jobs []job, due bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range s.watches {
		jobs = append(jobs, job{w, w.schedule.interval(now), w.closed})
		due = due || w.pollAt() != 0 && w.next <= now
	}
	// Kinds in order of name: map order may not decide the order of messages.
	slices.SortFunc(jobs, func(a, b job) int { return strings.Compare(string(a.kind), string(b.kind)) })
	return jobs, due
}

// poll asks the source. Without an answer the status is unknown, unreachable, with the hash of no bytes.
func (r *Runner) poll(ctx context.Context, s *subject, stats *Stats) (domain.FlightStatus, bool) {
	limited, cancel := context.WithTimeout(ctx, FetchTimeout)
	defer cancel()
	status, err := r.config.Source.Fetch(limited, s.key.query, s.key.name)
	if err != nil && ctx.Err() != nil {
		return status, false
	}
	stats.Polls++
	if err != nil {
		stats.Failures++
		r.config.Failed(err)
		none := sha256.Sum256(nil)
		return domain.FlightStatus{
			Leg: s.key.name, Phase: domain.FlightUnknown, Reason: unreachable, Source: r.config.Source.Name(),
			RawSHA256: none[:], FetchedAt: millis(r.config.Now()),
		}, false
	}
	switch {
	case status.Final():
		stats.Finals++
	case status.Phase == domain.FlightPending:
		stats.Pending++
	default:
		stats.Unknown++
	}
	return status, true
}

// done gives a subject back to the agenda.
func (r *Runner) done(s *subject, now domain.Millis, due, answered bool, stats Stats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.busy = false
	r.total.add(stats)
	if due {
		s.polled = now
		if s.failures++; answered {
			s.failures = 0
		}
		for _, w := range s.watches {
			if w.next != 0 && w.next <= now {
				r.plan(w, w.schedule.after(now))
			}
		}
	}
	r.place(s)
}

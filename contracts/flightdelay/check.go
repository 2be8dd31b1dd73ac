package flightdelay

import (
	"slices"

	"aval/domain"
)

// check refuses terms that contradict themselves or a limit.
func (t Terms) check(registry domain.Registry) error {
	if err := t.Payouts.check(); err != nil {
		return err
	}
	if err := t.checkRanges(); err != nil {
		return err
	}
	if err := t.Evidence.checkSources(registry); err != nil {
		return err
	}
	return checkPolls(t.Polls)
}

func (p Payouts) check() error {
	if _, err := p.Currency.Exponent(); err != nil {
		return err
	}
	if len(p.Tiers) > MaxTiers {
		return domain.Refuse(domain.InvalidTerms, "tiers: %d, limit %d", len(p.Tiers), MaxTiers)
	}
	last := Tier{}
	for i, tier := range p.Tiers {
		if tier.FromMinutes <= last.FromMinutes || tier.Amount <= last.Amount {
			return domain.Refuse(domain.InvalidTerms, "tiers[%d]: minutes and amount must rise from above zero", i)
		}
		last = tier
	}
	return nil
}

// checkRanges holds every number against its bounds, in the order of the fields.
func (t Terms) checkRanges() error {
	highest := t.Payouts.Highest()
	lastTier := int64(0)
	if n := len(t.Payouts.Tiers); n > 0 {
		lastTier = t.Payouts.Tiers[n-1].FromMinutes
	}
	s, e := t.Sale, t.Evidence
	for _, r := range []struct {
		field        string
		n, low, high int64
	}{
		{"cancelled", t.Payouts.Cancelled, 0, domain.MaxMinor},
		{"diverted", t.Payouts.Diverted, 0, domain.MaxMinor},
		{"highest payout", highest, 1, domain.MaxMinor},
		{"premium", t.Payouts.Premium, 1, highest - 1},
		{"last tier minutes", lastTier, 0, MaxDelayMinutes},
		{"maxPerLeg", s.MaxPerLeg, highest, domain.MaxMinor},
		{"maxTotal", s.MaxTotal, s.MaxPerLeg, domain.MaxMinor},
		{"maxPerHolder", s.MaxPerHolder, 1, MaxPerHolder},
		{"closesMinutes", s.ClosesMinutes, 1, MaxTermMinutes},
		{"opensMinutes", s.OpensMinutes, s.ClosesMinutes + 1, MaxTermMinutes},
		{"quoteMinutes", s.QuoteMinutes, 1, 24 * 60},
		{"scheduleToleranceMinutes", s.ScheduleToleranceMinutes, 0, 60},
		{"toleranceMinutes", e.ToleranceMinutes, 0, 60},
		{"staleMinutes", e.StaleMinutes, 1, MaxTermMinutes},
		{"skewMinutes", e.SkewMinutes, 0, 60},
		{"voidAfterMinutes", e.VoidAfterMinutes, lastTier + 1, MaxTermMinutes},
		{"waitMinutes", e.WaitMinutes, 0, e.VoidAfterMinutes - 1},
		{"cancelledAfterMinutes", e.CancelledAfterMinutes, 0, e.VoidAfterMinutes - 1},
		{"divertedAfterMinutes", e.DivertedAfterMinutes, 0, e.VoidAfterMinutes - 1},
		{"correctionMinutes", e.CorrectionMinutes, 0, 30 * 24 * 60},
	} {
		if r.n < r.low || r.n > r.high {
			return domain.Refuse(domain.InvalidTerms, "%s: %d, want %d to %d", r.field, r.n, r.low, r.high)
		}
	}
	return nil
}

func (e Evidence) checkSources(registry domain.Registry) error {
	if len(e.Sources) == 0 || len(e.Sources) > MaxSources {
		return domain.Refuse(domain.InvalidTerms, "sources: %d, want 1 to %d", len(e.Sources), MaxSources)
	}
	for i, id := range e.Sources {
		if slices.Contains(e.Sources[:i], id) {
			return domain.Refuse(domain.InvalidTerms, "sources[%d]: given twice", i)
		}
		if _, known := registry.Source(id); !known {
			return domain.Refuse(domain.InvalidTerms, "sources[%d]: %.64q is not a registered source", i, id)
		}
	}
	if n := e.families(registry, nil); e.Quorum < 1 || e.Quorum > n {
		return domain.Refuse(domain.InvalidTerms, "quorum: %d, want 1 to the %d families of the sources", e.Quorum, n)
	}
	return nil
}

// families counts the families of the listed sources that are not at fault.
func (e Evidence) families(registry domain.Registry, faults []string) int64 {
	var names []string
	for _, id := range e.Sources {
		source, known := registry.Source(id)
		if known && !slices.Contains(faults, id) && !slices.Contains(names, family(source.Family, id)) {
			names = append(names, family(source.Family, id))
		}
	}
	return int64(len(names))
}

// family is the name under which a source votes: a source without one stands for itself.
func family(name, source string) string {
	if name == "" {
		return "source " + source
	}
	return name
}

func checkPolls(polls []Poll) error {
	if len(polls) == 0 || len(polls) > MaxPolls {
		return domain.Refuse(domain.InvalidTerms, "polls: %d, want 1 to %d", len(polls), MaxPolls)
	}
	for i, p := range polls {
		if p.Anchor != "out" && p.Anchor != "in" {
			return domain.Refuse(domain.InvalidTerms, "polls[%d]: anchor %.10q, want out or in", i, p.Anchor)
		}
		if p.OffsetMinutes < -MaxTermMinutes || p.OffsetMinutes > MaxTermMinutes || p.EveryMinutes < 1 || p.EveryMinutes > 24*60 {
			return domain.Refuse(domain.InvalidTerms, "polls[%d]: want an offset within %d minutes, every 1 to 1440", i, MaxTermMinutes)
		}
	}
	return nil
}

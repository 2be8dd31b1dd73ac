package governance

import "aval/domain"

const limitsKey = "limits/current"

// MaxPerMinute bounds the limits that governance sets.
const MaxPerMinute = 1_000_000

// MaxPayToHours bounds the cool-off of a change of a pay-to account: 30 days.
const MaxPayToHours = 30 * 24

// WithdrawnApproval is the status of an approval that was taken back.
const WithdrawnApproval = "withdrawn"

// setLimits bounds what one party may ask of a node.
func setLimits(c *change) error {
	var limits domain.Limits
	if err := c.open(&limits, func() string { return "limits" }); err != nil {
		return err
	}
	for _, n := range []int{limits.CommandsPerMinute, limits.ReadsPerMinute} {
		if n < 0 || n > MaxPerMinute {
			return domain.Refuse(domain.LimitExceeded, "limit of %d a minute: want 0 to %d", n, MaxPerMinute)
		}
	}
	if limits.PayToHours < 0 || limits.PayToHours > MaxPayToHours {
		return domain.Refuse(domain.LimitExceeded, "payToHours: %d, want 1 to %d, or 0 for the default", limits.PayToHours, MaxPayToHours)
	}
	return c.declare(limitsKey, limits, "limitsSet")
}

func approvalKey(kind domain.Kind, contract string) string {
	return "approval/" + string(kind) + "/" + contract
}

// approval is the body of approveProduct and withdrawApproval.
type approval struct {
	Kind     domain.Kind `json:"kind"`
	Contract string      `json:"contract"`
}

// approveProduct lets a product be sold that was offered before.
func approveProduct(c *change) error { return c.setApproval("productApproved", c.in.Now) }

// withdrawApproval ends the sale of a product; what was sold stays sold.
func withdrawApproval(c *change) error { return c.setApproval("approvalWithdrawn", 0) }

func (c *change) setApproval(event string, since domain.Millis) error {
	var body approval
	if err := c.open(&body, func() string { return body.Contract }); err != nil {
		return err
	}
	if err := body.Kind.Check(); err != nil {
		return err
	}
	key := approvalKey(body.Kind, body.Contract)
	if err := domain.CheckKey(key); err != nil {
		return err
	}
	now, _, err := domain.Load[domain.Approval](c.view, key)
	if err != nil {
		return err
	}
	if since == 0 && now.Since == 0 {
		return domain.Refuse(domain.NotFound, "product %.64s of %s is not approved", body.Contract, body.Kind)
	}
	return c.declare(key, domain.Approval{Kind: body.Kind, Contract: body.Contract, Since: since}, event)
}

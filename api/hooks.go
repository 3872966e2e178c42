package api

import (
	"context"

	"github.com/latchkey/latchkey/api/contract"
	"github.com/latchkey/latchkey/identity"
)

// AdminListHooks shows how the hooks are configured and how they do, to operators.
func (s *Server) AdminListHooks(context.Context, contract.AdminListHooksRequestObject) (contract.AdminListHooksResponseObject, error) {
	return contract.AdminListHooks200JSONResponse{Data: each(s.Hooks(), hookOf)}, nil
}

func hookOf(h identity.HookStatus) contract.Hook {
	out := contract.Hook{
		Type: contract.HookType(h.Type), SecretFingerprints: append([]string{}, h.Secrets...), Requests: h.Requests, Failed: h.Failed, LastAnsweredAt: h.AnsweredAt,
		Failures: each(h.Failures, func(f identity.HookFailure) contract.HookFailure { return contract.HookFailure(f) }),
	}
	if h.Origin != "" {
		out.Origin, out.OnFailure = &h.Origin, contract.HookOnFailureDeny
		if h.FailOpen {
			out.OnFailure = contract.HookOnFailureAllow
		}
	}
	return out
}

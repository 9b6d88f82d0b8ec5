package api

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// operatorScheme is the name of the operators' login in the OpenAPI document.
const operatorScheme = "operator"

// What an operator without the daemon's token is told.
const (
	tokenMissing = "this uses the daemon's key or changes the daemon, and needs its token: send Authorization: Bearer and the content of api.token in the daemon's data folder"
	tokenWrong   = "the token is not this daemon's, which is the content of api.token in its data folder; is this the daemon that was meant?"
)

// hasOperator reports whether there is something that only the daemon's operator may do.
func (c *Config) hasOperator() bool {
	return c.Attach != nil || c.VoteControl != nil || c.Pause != nil || c.SetCaps != nil
}

// operate registers something that only the daemon's operator may do.
func operate[I, O any](s *Server, path, id, summary string, do func(context.Context, *I) (O, error)) {
	register(s, huma.Operation{
		OperationID: id, Path: path, Summary: summary,
		Security: []map[string][]string{{operatorScheme: {}}}, Middlewares: huma.Middlewares{s.login},
	}, http.StatusConflict, do)
}

// login lets a request through that bears the daemon's token; of others not even the body
// is read.
func (s *Server) login(ctx huma.Context, next func(huma.Context)) {
	given, ok := bearer(ctx.Header("Authorization"))
	if ok && sameToken(given, s.config.Token) {
		next(ctx)
		return
	}
	why := tokenMissing
	if ok {
		why = tokenWrong
		s.config.Log.Warn("a request bears a token that is not this daemon's", "path", ctx.URL().Path)
	}
	ctx.SetHeader("WWW-Authenticate", `Bearer realm="trine"`)
	_ = huma.WriteErr(s.api, ctx, http.StatusUnauthorized, why) // the caller may be gone
}

// bearer returns the token of an Authorization header.
func bearer(header string) (token string, ok bool) {
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// sameToken compares in a time that tells nothing of either: not even of their lengths.
func sameToken(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

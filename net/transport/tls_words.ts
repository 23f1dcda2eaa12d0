/**
 * Failures of TLS in words: what happened and what to look at. The codes are
 * those of Deno's node:tls, found by trying.
 */

/** Why a client's handshake failed, as the server saw it. */
export function explainClientFailure(
  error: Error,
  { authorizationError }: { authorizationError: string | undefined },
): string {
  if (authorizationError !== undefined) {
    return `the client's certificate is not trusted: ${
      explainVerification(authorizationError)
    }`;
  }
  const code = codeOf(error);
  if (code === "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE") {
    return "the client presented no certificate";
  }
  if (
    code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_HTTP_REQUEST"
  ) {
    return "the client does not speak TLS";
  }
  if (code === "ERR_SSL_NO_APPLICATION_PROTOCOL") {
    return "the client offers no protocol that this server speaks";
  }
  if (code.startsWith("ERR_SSL_TLSV1_ALERT_UNKNOWN_CA")) {
    return "the client does not trust this server's certificate";
  }
  if (code === "ECONNRESET") {
    return "the client hung up within the handshake; it may not trust this server's certificate";
  }
  if (error.message.includes("handshake timeout")) {
    return "the handshake took too long";
  }
  return `the handshake failed: ${error.message}`;
}

/** The other side is gone without a word. */
export function isHangUp(error: Error): boolean {
  return /^(ECONNRESET|EPIPE)$/.test(codeOf(error));
}

/** Why the server's certificate, or the server, did not accept or please us. */
export function explainServerFailure(error: Error): string {
  const code = codeOf(error);
  switch (code) {
    case "ECONNREFUSED":
      return "the connection was refused: no server listens there";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host name is not known";
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "the host cannot be reached";
    case "ERR_SSL_WRONG_VERSION_NUMBER":
      return "the server does not speak TLS";
    case "ECONNRESET":
    case "EPIPE":
      return "the server closed the connection within the handshake; it may not trust our certificate";
  }
  if (code.startsWith("ERR_SSL_") && code.includes("ALERT")) {
    return explainAlert(code);
  }
  return explainVerification(code === "" ? error.message : code, error.message);
}

function explainAlert(code: string): string {
  if (code.endsWith("CERTIFICATE_REQUIRED")) {
    return "the server refused us: it wants a client certificate";
  }
  if (code.endsWith("CERTIFICATE_EXPIRED")) {
    return "the server refused our certificate: it has expired";
  }
  if (/UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN/.test(code)) {
    return "the server refused our certificate: it is not signed by the authority the server trusts";
  }
  if (code.endsWith("NO_APPLICATION_PROTOCOL")) {
    return "the server does not speak the protocol";
  }
  return `the server refused the handshake (${code})`;
}

/** `code` is an X.509 verification result as node:tls names it. */
function explainVerification(code: string, message = code): string {
  switch (code) {
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      // The runtime says the same of a certificate that has expired.
      return "the certificate is not signed by the given authority, or it has expired";
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "CERT_SIGNATURE_FAILURE":
      return "the certificate is not signed by the given authority";
    case "CERT_HAS_EXPIRED":
      return "the certificate has expired";
    case "CERT_NOT_YET_VALID":
      return "the certificate is not valid yet";
    case "INVALID_PURPOSE":
      return "the certificate is made for another purpose";
    default:
      return message;
  }
}

function codeOf(error: Error): string {
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

/** What is used of the token library; loaded when there is a token to sign or to read. */
export { errors, jwtVerify, SignJWT } from "jose";

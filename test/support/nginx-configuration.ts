/** The configuration of an nginx with a folder to itself: one process, as the test's user, so that nothing outlives it when it is killed. */
export function nginxConfiguration(folder: string, http: string): string {
  return `daemon off; master_process off; pid ${folder}/pid; error_log stderr notice;
events {}
http {
access_log off;
client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
${http}
}
`;
}

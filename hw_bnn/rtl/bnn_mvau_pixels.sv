// bnn_mvau_pixels: results of MMV neighbouring pixels, a part of every pixel's channels a word, become
// whole pixels, one after another.
//
//   word nf of a group = channels nf*PE .. of MMV pixels (pixel 0 in the lowest bits)
//   output word m of a group = all NF*PE channels of pixel m
//
// A group is collected while the one before it is sent. Latency 1 from a group's last word to its first
// pixel; initiation interval max(NF, MMV) cycles a group. BITS: of a pixel's part in a word.
module bnn_mvau_pixels #(
    parameter int MMV  = 2,
    parameter int NF   = 1,
    parameter int BITS = 8,
    localparam int PIXEL = NF * BITS
) (
    input  logic                ap_clk,
    input  logic                ap_rst_n,

    input  logic                in_valid,
    output logic                in_ready,
    input  logic [MMV*BITS-1:0] in_data,

    output logic                out_valid,
    input  logic                out_ready,
    output logic [PIXEL-1:0]    out_data
);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (MMV < 2) begin : g_check_1
    $error("bnn_mvau_pixels: MMV = %0d must be at least 2", MMV);
  end
`endif

  localparam int LEFT_BITS = $clog2(MMV + 1);

  logic [LEFT_BITS-1:0] left;  // pixels that are still to be sent
  logic [MMV*PIXEL-1:0] group, sending;
  logic last_word, take, load;
  assign out_valid = left != '0;
  assign out_data  = sending[PIXEL-1:0];
  assign in_ready  = !last_word || left == '0 || (left == LEFT_BITS'(1) && out_ready);
  assign take      = in_valid && in_ready;
  assign load      = take && last_word;

  // ---- the words of a group: all but the last are kept, the newest in the highest bits ----
  for (genvar m = 0; m < MMV; m++) begin : g_pixel
    if (NF > 1) begin : g_parts
      logic [(NF-1)*BITS-1:0] kept;
      logic [PIXEL-1:0] all;
      assign all = {in_data[m*BITS+:BITS], kept};
      assign group[m*PIXEL+:PIXEL] = all;
      always_ff @(posedge ap_clk) if (take) kept <= all[PIXEL-1:BITS];
    end else begin : g_whole
      assign group[m*PIXEL+:PIXEL] = in_data[m*BITS+:BITS];
    end
  end
  if (NF > 1) begin : g_count
    localparam int NF_BITS = $clog2(NF);
    logic [NF_BITS-1:0] nf;
    assign last_word = nf == NF_BITS'(NF - 1);
    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) nf <= '0;
      else if (take) nf <= last_word ? '0 : nf + 1'b1;
    end
  end else begin : g_one
    assign last_word = 1'b1;
  end

  always_ff @(posedge ap_clk) begin
    if (load) sending <= group;
    else if (out_ready) sending <= sending >> PIXEL;
    if (!ap_rst_n) left <= '0;
    else if (load) left <= LEFT_BITS'(MMV);
    else if (out_valid && out_ready) left <= left - 1'b1;
  end

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(.BITS(PIXEL)) u_check (
      .ap_clk, .ap_rst_n, .tdata(out_data), .tvalid(out_valid), .tready(out_ready)
  );
`endif

endmodule : bnn_mvau_pixels

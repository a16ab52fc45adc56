// bnn_mvau_product: the dot product of N inputs with N weights of several bits.
//
//   sum = sum_i x[i] * w[i]      modulo 2^SUM_BITS, PIPELINE enabled cycles later
//
// w[i] is two's complement. x[i] is, by IN_BITS, IN_SIGNED and IN_BIPOLAR: a bit that means -1 and +1,
// an unsigned number, or two's complement. By bit planes, of which a lane of LUTs counts each, or,
// with MULTIPLY = 1, by products (DSP blocks) and a tree of adders (bnn_mvau_adders).
//
//   a bit x:   sum_v t_v 2^v popcount(w_v & x)                              t_v = -1 for the sign's plane
//   -1 and +1: sum_v t_v 2^v popcount(w_v ~^ x) + popcount(~x)              since ~w + 1 = -w
//   otherwise: sum_v t_v 2^v (sum over i with bit v of w[i] of x[i])        (bnn_mvau_weighted)
module bnn_mvau_product #(
    parameter int N           = 8,
    parameter int IN_BITS     = 8,
    parameter bit IN_SIGNED   = 1'b0,
    parameter bit IN_BIPOLAR  = 1'b0,
    parameter int WEIGHT_BITS = 2,
    parameter bit MULTIPLY    = 1'b0,
    parameter int SUM_BITS    = 16,
    parameter int PIPELINE    = 1
) (
    input  logic                      ap_clk,
    input  logic                      en,
    input  logic [N*IN_BITS-1:0]      x,
    input  logic [N*WEIGHT_BITS-1:0]  w,
    output logic [SUM_BITS-1:0]       sum
);

  if (IN_BITS == 1) begin : g_bit
    logic [N*WEIGHT_BITS-1:0] plane;  // bit v*N + i: bit v of w[i], against x[i]
    for (genvar v = 0; v < WEIGHT_BITS; v++) begin : g_plane
      for (genvar i = 0; i < N; i++) begin : g_lane
        assign plane[v*N+i] = IN_BIPOLAR ? w[i*WEIGHT_BITS+v] ~^ x[i] : w[i*WEIGHT_BITS+v] & x[i];
      end
    end

    logic [SUM_BITS-1:0] weighted;
    bnn_mvau_weighted #(
        .N(N), .IN_BITS(WEIGHT_BITS), .IN_SIGNED(1'b1), .SUM_BITS(SUM_BITS), .PIPELINE(PIPELINE)
    ) u_weighted (
        .ap_clk, .en, .plane, .mask({N{1'b1}}), .sum(weighted)
    );

    if (IN_BIPOLAR) begin : g_bipolar
      logic [$clog2(N+1)-1:0] minus;
      bnn_mvau_popcount #(.N(N), .PIPELINE(PIPELINE)) u_minus (
          .ap_clk, .en, .bits(~x), .count(minus)
      );
      assign sum = weighted + SUM_BITS'(minus);
    end else begin : g_binary
      assign sum = IN_SIGNED ? -weighted : weighted;  // a sign alone is 0 or -1
    end
  end else if (MULTIPLY) begin : g_multiply
    localparam int PRODUCT_BITS = IN_BITS + WEIGHT_BITS;
    localparam bit REGISTER     = PIPELINE > 1;

    logic [N*PRODUCT_BITS-1:0] products;
    for (genvar i = 0; i < N; i++) begin : g_lane
      logic signed [IN_BITS:0] a;
      logic signed [WEIGHT_BITS-1:0] b;
      logic [PRODUCT_BITS-1:0] product;
      assign a = {IN_SIGNED && x[i*IN_BITS+IN_BITS-1], x[i*IN_BITS+:IN_BITS]};
      assign b = w[i*WEIGHT_BITS+:WEIGHT_BITS];
      assign product = PRODUCT_BITS'(a) * PRODUCT_BITS'(b);
      if (REGISTER) begin : g_register
        always_ff @(posedge ap_clk) if (en) products[i*PRODUCT_BITS+:PRODUCT_BITS] <= product;
      end else begin : g_direct
        assign products[i*PRODUCT_BITS+:PRODUCT_BITS] = product;
      end
    end

    bnn_mvau_adders #(
        .N(N), .BITS(PRODUCT_BITS), .SUM_BITS(SUM_BITS), .PIPELINE(PIPELINE - 32'(REGISTER))
    ) u_adders (
        .ap_clk, .en, .values(products), .sum
    );
  end else begin : g_planes
    logic [N*IN_BITS-1:0] plane;  // bit b*N + i: bit b of x[i]
    for (genvar b = 0; b < IN_BITS; b++) begin : g_plane
      for (genvar i = 0; i < N; i++) begin : g_lane
        assign plane[b*N+i] = x[i*IN_BITS+b];
      end
    end

    logic [WEIGHT_BITS-1:0][SUM_BITS-1:0] part;
    for (genvar v = 0; v < WEIGHT_BITS; v++) begin : g_weight
      logic [N-1:0] mask;
      for (genvar i = 0; i < N; i++) begin : g_lane
        assign mask[i] = w[i*WEIGHT_BITS+v];
      end
      bnn_mvau_weighted #(
          .N(N), .IN_BITS(IN_BITS), .IN_SIGNED(IN_SIGNED), .SUM_BITS(SUM_BITS), .PIPELINE(PIPELINE)
      ) u_weighted (
          .ap_clk, .en, .plane, .mask, .sum(part[v])
      );
    end

    always_comb begin
      sum = -(part[WEIGHT_BITS-1] << (WEIGHT_BITS - 1));
      for (int v = 0; v < WEIGHT_BITS - 1; v++) sum = sum + (part[v] << v);
    end
  end

endmodule : bnn_mvau_product
